/** Follows lock waits from reading to reading and turns them into records. Pure: time comes with the readings. */
import type {
  Dialect,
  EndedWait,
  LockReading,
  MissedWait,
  SeenSession,
  SeenWait,
} from '../engines/engine.ts';
import type { LockWait, Step } from '../recording/recording.ts';
import { blockingChain, type Describe } from './sessions.ts';
import { runStatements } from './statements.ts';
import {
  type ClosedWait,
  longestMs,
  mainChain,
  type OpenWait,
  startOf,
  toRecord,
  type WaitStart,
} from './wait-record.ts';

/** A reading, and when it was asked for and answered: what it shows was so at some instant between the two. */
export interface Timed<Reading> {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
  readonly reading: Reading;
}

export interface WaitTracker {
  add(reading: Timed<LockReading>): void;
  /** Waits that go on when nothing is read any more are `still waiting`. */
  finish(endedAtMs: number, steps: readonly Step[]): WaitFacts;
}

export interface WaitFacts {
  readonly waits: readonly LockWait[];
  readonly starts: ReadonlyMap<LockWait, WaitStart>;
  /** Waits between sessions other than the migration's that were let go: the shortest ones. */
  readonly leftOut: { readonly count: number; readonly longestMs: number };
}

/** A recording is read as a whole; a load that fights over one row for an hour would make it gigabytes. */
const MOST_WAITS = 10_000;

/** Mode of a wait that was over before the locks were read. */
const NOT_SEEN = 'mode not seen';

export function trackWaits(source: string, describe: Describe, dialect: Dialect): WaitTracker {
  const open = new Map<string, OpenWait>();
  let closed: ClosedWait[] = [];
  let previousAskedAtMs: number | null = null;
  const leftOut = { count: 0, longestMs: 0 };

  function add({ askedAtMs, answeredAtMs, reading }: Timed<LockReading>): void {
    const sessions = new Map(reading.sessions.map((session) => [session.sessionId, session]));
    const present = new Set(reading.waits.map(({ key }) => key));
    for (const [key, wait] of open) {
      if (present.has(key)) continue;
      const ended = reading.ended.find((other) => other.key === key);
      const became = ended?.became ?? 'unknown';
      open.delete(key);
      if (became === 'no wait') continue;
      closed.push({
        wait,
        goneAtMs: answeredAtMs,
        became,
        failed: ended?.failed ?? null,
        timed: ended?.timed ?? null,
        missed: null,
      });
    }
    for (const later of reading.ended) amend(later);
    for (const seen of reading.waits) {
      const staleMs = seen.staleMs ?? 0;
      const notBeforeMs = (previousAskedAtMs ?? askedAtMs) - staleMs;
      const wait = open.get(seen.key) ?? begin(seen, sessions, notBeforeMs, answeredAtMs);
      narrowStart(wait, seen, askedAtMs, answeredAtMs);
      wait.seen = seen;
      noteChain(wait, reading.waits, sessions, askedAtMs);
      wait.lastAskedAtMs = Math.max(wait.lastAskedAtMs, askedAtMs - staleMs);
      open.set(seen.key, wait);
    }
    for (const missed of reading.missed ?? []) closed.push(closedMissed(missed, sessions, answeredAtMs));
    previousAskedAtMs = askedAtMs;
    if (closed.length > MOST_WAITS) letGo();
  }

  function begin(
    seen: SeenWait,
    sessions: ReadonlyMap<number, SeenSession>,
    notBeforeMs: number,
    atMs: number,
  ): OpenWait {
    return {
      seen,
      waiter: describe(seen.waiterId, sessions.get(seen.waiterId)),
      startedNotBeforeMs: notBeforeMs,
      startedNotAfterMs: atMs,
      lastAskedAtMs: notBeforeMs,
      chains: new Map(),
      chain: null,
    };
  }

  /** More is known of a wait that is closed. */
  function amend({ key, became, failed, timed }: EndedWait): void {
    const known = closed.findLast(({ wait }) => wait.seen.key === key);
    if (known === undefined) return;
    known.became = became;
    known.failed = failed ?? null;
    known.timed = timed ?? known.timed;
  }

  /** It ended before it was read of, however long ago by the server's timer. */
  function closedMissed(
    missed: MissedWait,
    sessions: ReadonlyMap<number, SeenSession>,
    answeredAtMs: number,
  ): ClosedWait {
    const { key, waiterId, target, relation, lowerMs, upperMs } = missed;
    const { lower: agoLower, upper: agoUpper } = missed.endedAgoMs;
    const goneAtMs = answeredAtMs - agoLower;
    const seen = { key, waiterId, blockerIds: [], target, relation, mode: NOT_SEEN, waitedMs: null };
    const wait = begin(seen, sessions, answeredAtMs - agoUpper - upperMs, goneAtMs - lowerMs);
    const { became, failed = null } = missed;
    return { wait, goneAtMs, became, failed, timed: null, missed };
  }

  /** A chain stands from the reading that shows it to the next one; the first one from the start of the wait. */
  function noteChain(
    wait: OpenWait,
    waits: readonly SeenWait[],
    sessions: ReadonlyMap<number, SeenSession>,
    atMs: number,
  ): void {
    if (wait.chain !== null) wait.chain.ms += Math.max(0, atMs - wait.lastAskedAtMs);
    const ids = blockingChain(wait.seen.waiterId, waits);
    const key = ids.join(' ');
    let chain = wait.chains.get(key);
    if (chain === undefined) {
      const blockers = ids.map((id) => describe(id, sessions.get(id)));
      chain = { ms: wait.chain === null ? (wait.seen.waitedMs ?? 0) : 0, blockers };
      wait.chains.set(key, chain);
    }
    wait.chain = chain;
  }

  /** Half of the waits go, the shortest first; those that the migration has a part in stay. */
  function letGo(): void {
    const ofOthers = closed.filter(({ wait }) => !concernsMigration(wait));
    const byLength = ofOthers.sort((one, other) => longestMs(one) - longestMs(other));
    const gone = new Set(byLength.slice(0, MOST_WAITS / 2));
    for (const wait of gone) {
      leftOut.count += 1;
      leftOut.longestMs = Math.max(leftOut.longestMs, longestMs(wait));
    }
    closed = closed.filter((wait) => !gone.has(wait));
  }

  return {
    add,
    finish(endedAtMs, steps) {
      for (const wait of open.values())
        closed.push({
          ...{ wait, goneAtMs: endedAtMs, became: 'still waiting' as const },
          ...{ failed: null, timed: null, missed: null },
        });
      open.clear();
      const statements = runStatements(steps);
      const starts = new Map(
        closed.map((each) => [toRecord(each, { source, dialect, statements }), startOf(each)]),
      );
      return {
        waits: [...starts.keys()].sort((one, other) => one.startedAtMs - other.startedAtMs),
        starts,
        leftOut: { ...leftOut },
      };
    },
  };
}

/** The server's count was taken between question and answer; each reading narrows the start down. */
function narrowStart(wait: OpenWait, { waitedMs }: SeenWait, askedAtMs: number, answeredAtMs: number): void {
  if (waitedMs === null) return;
  const notBeforeMs = Math.max(wait.startedNotBeforeMs, askedAtMs - waitedMs);
  const notAfterMs = Math.min(wait.startedNotAfterMs, answeredAtMs - waitedMs);
  // A server clock that was set meanwhile contradicts what was seen before: the newest reading counts.
  const agree = notBeforeMs <= notAfterMs;
  wait.startedNotBeforeMs = agree ? notBeforeMs : askedAtMs - waitedMs;
  wait.startedNotAfterMs = agree ? notAfterMs : answeredAtMs - waitedMs;
}

function concernsMigration(wait: OpenWait): boolean {
  return wait.waiter.owner === 'migration' || mainChain(wait).some(({ owner }) => owner === 'migration');
}
