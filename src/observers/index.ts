/** All observers of a rehearsal, started and stopped together. */
import { explain } from '../errors.ts';
import type { Step } from '../recording/recording.ts';
import { changes } from './changes.ts';
import { disk } from './disk.ts';
import { lockWaits } from './lock-waits.ts';
import type { ObserveRequest, Observer, RunningObserver } from './observer.ts';
import { progress } from './progress.ts';

const OBSERVERS: readonly Observer[] = [lockWaits, disk, progress, changes];

export interface Observers extends AsyncDisposable {
  /** Right before the first step: what the disk and the catalogs hold now is what they are compared with. */
  beforeSteps(): Promise<void>;
  /** After each step, while nothing of the migration runs. */
  afterStep(step: Step): Promise<void>;
}

/** Starts them one after the other; those that run are stopped again when one cannot be started. */
export async function startObservers(request: ObserveRequest): Promise<Observers> {
  const running: { readonly name: string; readonly observer: RunningObserver }[] = [];

  /** The facts reach the recorder even when another observer fails to stop; the first error is thrown at the end. */
  async function stop(): Promise<void> {
    const failures: unknown[] = [];
    for (const { observer } of running.splice(0).reverse()) {
      try {
        await observer[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** An observer in trouble costs its own facts, never the migration. */
  async function tellAll(tell: (observer: RunningObserver) => Promise<void> | undefined): Promise<void> {
    for (const { name, observer } of running) {
      try {
        await tell(observer);
      } catch (error) {
        request.recorder.add('notMeasured', {
          what: `what the observer "${name}" reads between steps`,
          reason: explain(error).split('\n')[0] ?? '',
        });
      }
    }
  }

  try {
    for (const { name, start } of OBSERVERS) running.push({ name, observer: await start(request) });
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
  return {
    beforeSteps: () => tellAll((observer) => observer.beforeSteps?.()),
    afterStep: (step) => tellAll((observer) => observer.afterStep?.(step)),
    [Symbol.asyncDispose]: stop,
  };
}
