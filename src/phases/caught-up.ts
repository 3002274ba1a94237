/** Waits, when the load has ended, until the replica has applied all that the primary has written. */
import type { Engine, RoleTargets } from '../engines/engine.ts';
import { explain } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { between, type Figure, notMeasured } from '../recording/figure.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { StartedReplica } from './replica.ts';
import { pause } from './wait.ts';

export interface CatchingUp {
  readonly engine: Engine;
  readonly roles: RoleTargets;
  /** Null: no replica runs, and nothing is waited for. */
  readonly following: StartedReplica['following'];
  readonly recorder: Recorder;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A replica applies a schema change after the primary has, and takes about as long: so this many times what was migrated... */
const TIMES_OF_MIGRATION = 2;
/** ...and at least this long, since its log may be behind from the load alone. */
const LEAST_LIMIT_MS = 30_000;
/** A server that is there answers in milliseconds; one that stands still never does. */
const ANSWER_LIMIT_MS = 10_000;
const PAUSE_MS = 50;
const SOURCE = 'positions of the primary and of the replica';

/** That it does not catch up, or is gone, is recorded, and no trouble of the rehearsal. */
export async function awaitReplica(request: CatchingUp): Promise<void> {
  const { following, recorder, signal } = request;
  if (following === null) return;
  const caughtUpMs = await catchUp(request, following).catch((error: unknown) => {
    signal.throwIfAborted();
    const [reason] = explain(error).split('\n');
    return notMeasured(`it did not catch up: ${reason ?? ''}`);
  });
  recorder.setReplicaCaughtUp(caughtUpMs);
}

async function catchUp(
  { engine, roles, recorder, progress, signal }: CatchingUp,
  following: NonNullable<StartedReplica['following']>,
): Promise<Figure> {
  const options = { applicationName: 'rehearse replica' };
  await using primary = await engine.connections.connect(roles.administrator, options, signal);
  await using replica = await engine.connections.connect(following.roles.administrator, options, signal);
  const startedAtMs = recorder.now();
  const limitMs = Math.max(LEAST_LIMIT_MS, TIMES_OF_MIGRATION * migratedMs(recorder));
  let askedAfterMs = 0;
  for (;;) {
    const asking = recorder.now() - startedAtMs;
    const isThere = await within(ANSWER_LIMIT_MS, following.replication.isFollowing(primary, replica));
    const answeredAfterMs = recorder.now() - startedAtMs;
    if (isThere) return between(askedAfterMs, answeredAfterMs, SOURCE);
    if (answeredAfterMs > limitMs)
      return notMeasured(
        `it had not applied all ${(answeredAfterMs / 1000).toFixed(0)} s after the load, when nobody waited any longer`,
      );
    progress.update('recovery', 'until the replica has applied all', answeredAfterMs / limitMs);
    askedAfterMs = asking;
    await pause(PAUSE_MS, signal);
  }
}

async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
  });
  // What comes too late is nobody's trouble any more.
  work.catch(() => undefined);
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

function migratedMs({ steps }: Recorder): number {
  return steps.reduce((sum, { startedAtMs, endedAtMs }) => sum + (endedAtMs - startedAtMs), 0);
}
