/**
 * Lag in time from positions alone: the replica is as far behind as it is long ago that the primary stood where the replica
 * stands now. Neither a clock of a server nor a commit is needed, so that the replica of an idle primary is not behind. Where a
 * server tells when the primary committed what is applied now, that is taken, since it is exact. Pure.
 */
import type { LagSample } from '../recording/recording.ts';

/** A position, and the span within which it was read. */
export interface Stand {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
  readonly position: number;
}

/** The replica is asked after the primary. */
export interface LagReading {
  readonly primary: Stand & { readonly bytes: number };
  readonly replica: Stand;
  /** Applied and received of the primary's log; null where it is not told. */
  readonly appliedBytes: number | null;
  readonly receivedBytes: number | null;
  /** Of the oldest that is being applied, since its commit on the primary, at the replica's answer; null where not told. */
  readonly applyingAgeMs: number | null;
}

export interface LagTracker {
  add(reading: LagReading): LagSample;
}

/** A position that the primary had certainly reached at `fromMs`, and had not gone beyond at `toMs`. */
interface SpanOfStand {
  readonly position: number;
  /** Of log, there. */
  readonly bytes: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A replica that is behind for hours: then older stands are thinned out, which widens the bounds and loses nothing else. */
const MOST_STANDS = 100_000;

export function trackLag(): LagTracker {
  /** Where the primary stood, in the order of time; of those that the replica has applied only the last. */
  let stands: SpanOfStand[] = [];

  return {
    add({ primary, replica, appliedBytes, receivedBytes, applyingAgeMs }) {
      const { position, bytes, askedAtMs, answeredAtMs } = primary;
      const last = stands.at(-1);
      if (last?.position === position) stands[stands.length - 1] = { ...last, toMs: askedAtMs };
      else stands.push({ position, bytes, fromMs: answeredAtMs, toMs: askedAtMs });
      const next = stands.findIndex((stand) => stand.position > replica.position);
      stands = stands.slice(Math.max(0, (next < 0 ? stands.length : next) - 1));
      if (stands.length > MOST_STANDS) stands = stands.filter((_, index) => index < 2 || index % 2 === 1);
      return {
        atMs: replica.answeredAtMs,
        lagBytes:
          position <= replica.position
            ? 0
            : Math.max(0, bytes - (appliedBytes ?? passedBytes(stands, replica.position) ?? bytes)),
        notReceivedBytes: receivedBytes === null ? null : Math.max(0, bytes - receivedBytes),
        lagMs: applyingAgeMs === null ? lagOf(stands, replica) : stamped(applyingAgeMs, replica),
      };
    },
  };
}

/** The stamp was compared while the replica was asked. */
function stamped(ageMs: number, { askedAtMs, answeredAtMs }: Stand): LagSample['lagMs'] {
  return [ageMs, ageMs + (answeredAtMs - askedAtMs)];
}

/** Bytes of log at the last stand that the replica has certainly passed. */
function passedBytes(stands: readonly SpanOfStand[], applied: number): number | undefined {
  return (stands.findLast(({ position }) => position <= applied) ?? stands[0])?.bytes;
}

/** What comes next for the replica was written between the last stand that it has applied and the one after it. */
function lagOf(
  stands: readonly SpanOfStand[],
  { position: applied, askedAtMs, answeredAtMs }: Stand,
): LagSample['lagMs'] {
  const passed = stands.findLast(({ position }) => position <= applied);
  const ahead = stands.find(({ position }) => position > applied);
  const least = ahead === undefined ? 0 : Math.max(0, askedAtMs - ahead.fromMs);
  const from = passed ?? ahead;
  return [least, from === undefined ? least : Math.max(least, answeredAtMs - from.toMs)];
}

/** The largest lag over samples; between two of them it may have been larger by no more than the time between them. */
export function largestLag(
  samples: readonly LagSample[],
): { readonly lower: number; readonly upper: number } | null {
  if (samples.length === 0) return null;
  const lower = Math.max(...samples.map(({ lagMs: [least] }) => least));
  const upper = Math.max(
    ...samples.map(
      ({ lagMs: [, most], atMs }, index) => most + Math.max(0, (samples[index + 1]?.atMs ?? atMs) - atMs),
    ),
  );
  return { lower, upper };
}
