/** All observers of a rehearsal, started and stopped together. */
import { SqlError } from '../engines/engine.ts';
import { explain } from '../errors.ts';
import type { Step } from '../recording/recording.ts';
import { changes } from './changes.ts';
import { disk } from './disk.ts';
import { journal } from './journal.ts';
import { lockWaits } from './lock-waits.ts';
import { migrationUnseen, type ObservationRequest, type Observer, type RunningObserver } from './observer.ts';
import { progress } from './progress.ts';
import { replicaObserver } from './replica.ts';
import { upkeepObserver } from './upkeep.ts';

export { startCanaries } from './canaries/index.ts';
export type { UnderWay } from './time-left.ts';

/** Stopped in reverse: the journal first, since the others put what they saw on the statements that it times. */
const OBSERVERS: readonly Observer[] = [lockWaits, disk, progress, changes, journal];

export interface Observers extends AsyncDisposable {
  /** Right before the first step: what the disk and the catalogs hold now is what they are compared with. */
  beforeSteps(): Promise<void>;
  /** After each step, while nothing of the migration runs. */
  afterStep(step: Step): Promise<void>;
}

/**
 * Starts them one after the other; those that run are stopped again when one cannot be started. One that may not read its
 * views costs its own facts alone.
 */
export async function startObservers(wanted: ObservationRequest): Promise<Observers> {
  const request = {
    ...wanted,
    toldWaits: [],
    migration: migrationUnseen(),
    told: { cancels: null, waits: null, deadlocks: null, transactions: [] },
  };
  const running: { readonly name: string; readonly observer: RunningObserver }[] = [];

  /** The server answered, and the answer was no. */
  function isRefused(error: unknown): error is SqlError {
    return (
      error instanceof SqlError &&
      request.engine.dialect.classify(error.code, error.message) !== 'connection lost'
    );
  }

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
    const { replica = null } = request;
    const { upkeep } = request.engine;
    const observers = [
      ...(upkeep === undefined ? [] : [upkeepObserver(upkeep)]),
      ...(replica === null ? [] : [replicaObserver(replica)]),
      ...OBSERVERS,
    ];
    for (const { name, start } of observers) {
      const observer = await start(request).catch((error: unknown) => {
        if (!isRefused(error)) throw error;
        const reason = `the server refuses it: ${error.message} (${error.code})`;
        request.recorder.add('notMeasured', { what: `all that the observer "${name}" reads`, reason });
        return null;
      });
      if (observer !== null) running.push({ name, observer });
    }
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
