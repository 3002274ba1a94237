/**
 * Reads lock waits and the metadata locks that the migration owns, without ever waiting for a lock itself: all that is
 * read are the performance schema and InnoDB's own views, which open no table of a user.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LockReader, LockReading, SeenSession, Session, Watched } from '../../engine.ts';
import { LOOK_EVERY_MS } from '../../looks.ts';
import { serverKind } from '../server/server-kind.ts';
import { createDeadlocks } from './deadlocks.ts';
import { isRefused, switchOn, timesWaits, waitTimerError } from './instruments.ts';
import { openLockWatch } from './lock-watch.ts';
import { createMetadataDrain, type MetadataDrain } from './metadata-drain.ts';
import type { Lock } from './metadata-rows.ts';
import { createMetadataWaits } from './metadata-waits.ts';
import { stoppedCounters } from './row-wait-queries.ts';
import { createRowWaits } from './row-waits.ts';
import { createThreads } from './threads.ts';
import { createTimerScale } from './timer-scale.ts';

export async function openLockReader(cluster: Session, inside: Session): Promise<LockReader> {
  const kind = await serverKind(cluster);
  const { database } = inside.target;
  await switchOn(cluster);
  const threads = createThreads(cluster);
  const scale = createTimerScale(await waitTimerError(cluster));
  const drain = await createReadableDrain(
    createMetadataDrain({ session: cluster, threads, database, scale }),
  );
  const metadata = createMetadataWaits(cluster, threads, {
    ...{ database, know: drain.know, scale },
    timesWaits: await timesWaits(cluster),
  });
  const rows = createRowWaits(cluster, { kind, threads, database });
  const { counted, missing } = await rowWaitsReadable(cluster);
  const deadlocks = createDeadlocks(cluster, { kind, database });
  // MariaDB tells of waits for rows from a snapshot of its own.
  const looking = counted && kind.flavor === 'mysql' ? await openLockWatch(cluster) : null;
  let sessions = new Map<number, SeenSession>();
  let heldByHolders: readonly Lock[] = [];
  let readAtMs = -Infinity;

  async function read(holders: string, last = false): Promise<LockReading> {
    const startedAtMs = performance.now();
    const { pending, around, held, counters } = await metadata.read(holders, counted);
    const { pairs, told, deadlocks: found } = counters === null ? NO_ROW_WAITS : await rows.read(counters);
    const answeredAfterMs = performance.now() - startedAtMs;
    readAtMs = startedAtMs;
    heldByHolders = around.filter(
      ({ granted, ofHolder, objectType }) => granted && ofHolder && objectType === 'TABLE',
    );
    const changes = [
      await metadata.follow({ pending, around }, last),
      await rows.follow({ pairs, told }, last),
    ];
    const { missed, overran } = await drain.drain(last);
    const dead =
      missing === null
        ? await deadlocks.read(found, { startedAtMs, answeredAtMs: startedAtMs + answeredAfterMs }, last)
        : null;
    const current = changes.flatMap((change) => change.current);
    const ended = changes.flatMap((change) => change.ended);
    await look(
      changes.flatMap((change) => change.changed),
      [
        ...current.flatMap(({ waiterId, blockerIds }) => [waiterId, ...blockerIds]),
        ...missed.map(({ waiterId }) => waiterId),
        ...(dead?.latest ?? []).flatMap(({ parties }) => parties.flatMap(({ sessionId }) => sessionId ?? [])),
      ],
    );
    const seen = [...sessions.values()];
    if (current.length === 0) sessions = new Map();
    return {
      answeredAfterMs,
      waits: current,
      ended,
      held,
      holdNone: heldByHolders.length === 0,
      sessions: seen,
      missed,
      missedOverran: overran,
      ...(dead === null ? {} : { deadlocks: dead }),
    };
  }

  async function watch(holders: string): Promise<Watched> {
    // How a statement ends whose wait is over is asked for at each reading.
    if (looking === null || metadata.isUnsettled() || rows.isUnsettled()) {
      await delay(LOOK_EVERY_MS);
      return { changed: true, looks: [] };
    }
    const askedAtMs = performance.now();
    const { changed, looks, deadlocks: found, foundAfterMs } = await looking.watch(holders, heldByHolders);
    const moved = missing === null && deadlocks.hasMoved(found, askedAtMs + foundAfterMs);
    return { changed: changed || moved || performance.now() - readAtMs >= READ_EVERY_MS, looks };
  }

  /** Sessions that changed are read anew, the others once. */
  async function look(changed: readonly number[], concerned: readonly number[]): Promise<void> {
    const wanted = new Set([...changed, ...concerned.filter((id) => !sessions.has(id))]);
    wanted.delete(0);
    for (const seen of await threads.activity([...wanted])) sessions.set(seen.sessionId, seen);
  }

  return {
    source:
      kind.flavor === 'mariadb' ? 'metadata_locks, innodb_lock_waits' : 'metadata_locks, data_lock_waits',
    deadlocks: missing === null ? { source: DEADLOCKS } : { notMeasured: missing },
    between:
      'metadata-lock waits from events_waits_history_long, drained every second, without mode and blocker',
    read,
    ...(looking === null ? {} : { watch }),
    // The views name what is locked themselves, but for a row lock that is gone.
    refreshNames: async () => rows.forgetNames(),
  };
}

/** Without the right to read the performance schema nothing is drained; `missing` tells. */
async function createReadableDrain(drain: MetadataDrain): Promise<MetadataDrain> {
  try {
    await drain.drain();
    return drain;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return { know: () => undefined, drain: async () => ({ missed: [], overran: false }) };
  }
}

const DEADLOCKS =
  "InnoDB's monitor (the latest deadlock), read whenever its counter lock_deadlocks has moved";

/** Waits that ended between two looks are drained so often. */
const READ_EVERY_MS = 1_000;

const NO_ROW_WAITS = { pairs: [], deadlocks: 0, told: new Map() };

/** Without PROCESS the views of InnoDB are closed; `missing` tells. */
async function rowWaitsReadable(
  session: Session,
): Promise<{ readonly counted: boolean; readonly missing: string | null }> {
  try {
    const stopped = (await stoppedCounters(session)).includes('lock_deadlocks');
    return { counted: true, missing: stopped ? "InnoDB's counter lock_deadlocks is switched off" : null };
  } catch (error) {
    if (!isRefused(error)) throw error;
    return {
      counted: false,
      missing: `user "${session.target.user}" may not read InnoDB's views: grant process on *.*`,
    };
  }
}
