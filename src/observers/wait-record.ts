/** A wait as the readings followed it, as a record. Pure. */
import type { Dialect, EndedWait, MissedWait, SeenWait } from '../engines/engine.ts';
import { between } from '../recording/figure.ts';
import type { LockWait, SessionRecord, WaitEnding } from '../recording/recording.ts';
import { type RunStatement, statementIn } from './statements.ts';

/** A wait began between these two. */
export interface WaitStart {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface OpenWait {
  seen: SeenWait;
  waiter: SessionRecord;
  /** The wait began in this span. */
  startedNotBeforeMs: number;
  startedNotAfterMs: number;
  lastAskedAtMs: number;
  /** How long each chain of blockers was seen. */
  readonly chains: Map<string, Chain>;
  /** The one of the last reading. */
  chain: Chain | null;
}

export interface Chain {
  ms: number;
  readonly blockers: readonly SessionRecord[];
}

export interface ClosedWait {
  readonly wait: OpenWait;
  readonly goneAtMs: number;
  became: EndedWait['became'] | 'still waiting';
  failed: NonNullable<EndedWait['failed']> | null;
  timed: NonNullable<EndedWait['timed']> | null;
  /** Set where no reading saw it: all that is known of its length. */
  readonly missed: Pick<MissedWait, 'lowerMs' | 'upperMs' | 'source'> | null;
}

/** The chain that was there for most of the wait: blockers come and go, and the root of the long part matters. */
export function mainChain({ chains }: OpenWait): readonly SessionRecord[] {
  const [longest] = [...chains.values()].sort((one, other) => other.ms - one.ms);
  return longest?.blockers ?? [];
}

export function longestMs(closed: ClosedWait): number {
  return closed.missed?.upperMs ?? spanOf(closed).upperMs;
}

/**
 * What the readings and the server's own timer allow together. Should the timer contradict the readings, they count:
 * they are on the recorder's clock.
 */
function spanOf(closed: ClosedWait): Span & { readonly timed: boolean } {
  const { timed } = closed;
  const { lowerMs, upperMs } = readingsOf(closed);
  if (timed === null || timed.lowerMs > upperMs || timed.upperMs < lowerMs)
    return { lowerMs, upperMs, timed: false };
  return {
    lowerMs: Math.max(lowerMs, timed.lowerMs),
    upperMs: Math.min(upperMs, timed.upperMs),
    timed: true,
  };
}

interface Span {
  readonly lowerMs: number;
  readonly upperMs: number;
}

/** What the readings alone allow. */
function readingsOf({ wait, goneAtMs }: ClosedWait): Span {
  const { waitedMs, atLeastMs = 0 } = wait.seen;
  const counted = waitedMs === null ? null : Math.max(waitedMs, atLeastMs);
  const lowerMs = counted ?? Math.max(0, wait.lastAskedAtMs - wait.startedNotAfterMs);
  return { lowerMs, upperMs: Math.max(lowerMs, goneAtMs - wait.startedNotBeforeMs) };
}

export interface RecordContext {
  readonly source: string;
  readonly dialect: Dialect;
  readonly statements: readonly RunStatement[];
}

export function startOf({ wait }: ClosedWait): WaitStart {
  return { notBeforeMs: wait.startedNotBeforeMs, notAfterMs: wait.startedNotAfterMs };
}

export function toRecord(closed: ClosedWait, { source, dialect, statements }: RecordContext): LockWait {
  const { wait, goneAtMs } = closed;
  const { seen, waiter } = wait;
  const startedAtMs = (wait.startedNotBeforeMs + wait.startedNotAfterMs) / 2;
  const statement =
    waiter.owner === 'migration'
      ? statementIn(statements, waiter.sessionId, { fromMs: startedAtMs, toMs: goneAtMs })
      : null;
  return {
    server: 'rehearsal',
    waiter,
    blockers: mainChain(wait),
    target: seen.target,
    relation: seen.relation,
    mode: seen.mode,
    startedAtMs,
    ...waitedOf(closed, source),
    ended: endingOf(closed, statement, dialect),
    statementId: statement?.record.id ?? null,
  };
}

/** With what the other channel said of it, where there are two. */
function waitedOf(closed: ClosedWait, source: string): Pick<LockWait, 'waitedMs' | 'seenMs' | 'toldMs'> {
  const { timed, wait, missed } = closed;
  if (missed !== null) return { waitedMs: between(missed.lowerMs, missed.upperMs, missed.source) };
  const together = spanOf(closed);
  const readings = readingsOf(closed);
  const seenMs = between(readings.lowerMs, readings.upperMs, sourceOf(source, wait.seen));
  if (timed === null) return { waitedMs: seenMs };
  if (!together.timed)
    return { waitedMs: seenMs, toldMs: between(timed.lowerMs, timed.upperMs, timed.source) };
  return { waitedMs: between(together.lowerMs, together.upperMs, timed.source), seenMs };
}

function sourceOf(source: string, { waitedMs }: SeenWait): string {
  return waitedMs === null
    ? `${source}: first and last reading with it`
    : `${source}: as the server counted at the last reading, and the first reading without it`;
}

/**
 * What the locks show, unless the statement failed in the wait: then its error says why. Who blocked it may have gone
 * at that same instant, so that the locks alone would show it as granted.
 */
function endingOf(
  { goneAtMs, became, failed }: ClosedWait,
  statement: RunStatement | null,
  dialect: Dialect,
): WaitEnding {
  if (became === 'still waiting') return became;
  // The statement went on after the wait: whatever it failed of later, this lock it got.
  const wentOn = statement !== null && statement.toMs > goneAtMs + ANSWER_MS;
  if (statement?.record.outcome === 'ok' || wentOn) return 'granted';
  const error = statement?.record.error ?? failed;
  const outcomeClass = error === null ? null : dialect.classify(error.code, error.message);
  if (outcomeClass === 'lock timeout' || outcomeClass === 'statement timeout' || outcomeClass === 'deadlock')
    return outcomeClass;
  return became === 'granted' ? became : 'unknown';
}

/** From the end of a wait on the server to the error that arrives at the client. */
const ANSWER_MS = 20;
