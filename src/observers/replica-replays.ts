/** Schema changes as a replica applied them, put together from readings, and whose statements of the migration they are. Pure. */
import type { ApplierState, Replayed } from '../engines/engine.ts';
import { between } from '../recording/figure.ts';
import type { ApplierRecord, ReplayRecord, StatementRecord, Step } from '../recording/recording.ts';

export interface ReplayReading {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
  readonly replays: readonly Replayed[];
  readonly overran: boolean;
  /** Read after the replays. */
  readonly applier: ApplierState;
}

export interface Replays {
  add(reading: ReplayReading): void;
  /** What ended before, and what was waited before, is forgotten. */
  restart(): void;
  record(
    steps: readonly Step[],
    source: string,
  ): {
    readonly replays: readonly ReplayRecord[];
    readonly replaysNotKept: number;
    readonly applier: ApplierRecord;
  };
}

interface Entry {
  readonly replayed: Replayed;
  readonly startedAtMs: readonly [number, number];
  readonly waited: Growth;
}

/** What all threads had waited until a reading: for each other, and for locks. */
interface Sums {
  readonly others: number;
  readonly locks: number;
}

/** The sums before it was seen, when it was seen first, while it ran last, and last of all. */
interface Growth {
  readonly before: Sums;
  readonly first: Sums;
  readonly running: Sums;
  readonly last: Sums;
}

/** A migration of more schema changes than this keeps those that took longest. */
const MOST_KEPT = 2_000;

export function followReplays(): Replays {
  let entries = new Map<string, Entry>();
  let notKept = 0;
  let overran = false;
  let waitedBefore: Readonly<Record<string, number>> | null = null;
  let applier: ApplierState = { workers: 0, waitedMs: {}, lockWaitedMs: 0 };
  let total: Sums | null = null;

  return {
    add(reading) {
      const before = total;
      applier = reading.applier;
      waitedBefore ??= applier.waitedMs;
      const others = Object.values(applier.waitedMs).reduce((sum, each) => sum + each, 0);
      total = { others, locks: applier.lockWaitedMs };
      overran ||= reading.overran;
      for (const replayed of reading.replays) {
        const known = entries.get(replayed.key);
        entries.set(replayed.key, {
          replayed,
          startedAtMs: known?.startedAtMs ?? [
            reading.askedAtMs - replayed.startedAgoMs,
            reading.answeredAtMs - replayed.startedAgoMs,
          ],
          waited: {
            before: known?.waited.before ?? before ?? total,
            first: known?.waited.first ?? total,
            running: replayed.ended ? (known?.waited.running ?? total) : total,
            last: total,
          },
        });
      }
      if (entries.size <= MOST_KEPT) return;
      const kept = [...entries].toSorted(
        ([, one], [, other]) => other.replayed.durationMs - one.replayed.durationMs,
      );
      notKept += kept.length - MOST_KEPT / 2;
      entries = new Map(kept.slice(0, MOST_KEPT / 2));
    },
    restart() {
      entries = new Map([...entries].filter(([, { replayed }]) => !replayed.ended));
      notKept = 0;
      overran = false;
      waitedBefore = applier.waitedMs;
    },
    record(steps, source) {
      const inOrder = [...entries.values()].toSorted(
        (one, other) => one.startedAtMs[0] - other.startedAtMs[0],
      );
      const statementOf = matcher(steps);
      return {
        replays: inOrder.map((entry) =>
          recordOf(entry, { statement: statementOf(entry), threads: applier.workers, source }),
        ),
        replaysNotKept: notKept + (overran ? 1 : 0),
        applier: { workers: applier.workers, waitedMs: since(waitedBefore ?? {}, applier.waitedMs), source },
      };
    },
  };
}

function since(before: Readonly<Record<string, number>>, now: Readonly<Record<string, number>>) {
  return Object.fromEntries(
    Object.entries(now)
      .map(([name, waitedMs]) => [name, Math.max(0, waitedMs - (before[name] ?? 0))] as const)
      .filter(([, waitedMs]) => waitedMs > 0),
  );
}

interface About {
  readonly statement: StatementRecord | null;
  /** Those that can wait while it runs: all workers, and who gives them their work, without the one that runs it. */
  readonly threads: number;
  readonly source: string;
}

function recordOf(
  { replayed, startedAtMs, waited }: Entry,
  { statement, threads, source }: About,
): ReplayRecord {
  const { kind, durationMs, ended, failed } = replayed;
  return {
    statementId: statement?.id ?? null,
    kind: kind.replaceAll('_', ' '),
    startedAtMs: between(...startedAtMs, source),
    durationMs: between(durationMs, durationMs, source),
    othersWaitedMs: grown(waited, 'others', durationMs * threads, source),
    lockWaitedMs: grown(waited, 'locks', durationMs, source),
    ended,
    failed,
  };
}

/** Readings are farther apart than most schema changes last: nobody waited for longer than that, which is `most`. */
function grown({ before, first, running, last }: Growth, what: keyof Sums, most: number, source: string) {
  return between(
    Math.min(most, Math.max(0, running[what] - first[what])),
    Math.min(most, Math.max(0, last[what] - before[what])),
    source,
  );
}

/** Each statement once, in the order in which the primary ran them: the log has their texts. */
function matcher(steps: readonly Step[]): (entry: Entry) => StatementRecord | null {
  const open = steps.flatMap(({ statements }) => statements).filter(({ outcome }) => outcome !== 'not run');
  return ({ replayed, startedAtMs: [, latest] }) => {
    const index = open.findIndex(
      ({ text, startedAtMs }) => startedAtMs <= latest + SLACK_MS && isSame(text, replayed),
    );
    return index < 0 ? null : (open.splice(index, 1)[0] ?? null);
  };
}

/** Two clocks of one machine, and a slice of a scheduler. */
const SLACK_MS = 100;

/** A tool may send a comment before the statement, and the server may log it without. */
function isSame(sent: string, { text, isCut }: Replayed): boolean {
  const [one, other] = [plain(sent), plain(text)];
  if (one === '' || other === '') return false;
  return one === other || one.endsWith(other) || (isCut && one.includes(other));
}

const plain = (text: string): string => text.trim().replace(/;+$/, '').trim();
