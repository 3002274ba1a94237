/** When a rehearsal keeps what it filled by itself. Pure. */

/**
 * A copy goes at some 500 MB/s and comes on top of stopping and starting the server, about two seconds in all for a
 * gigabyte; a filling goes at some 100 MB/s. What was filled in less than this is filled again as quickly.
 */
export const WORTH_KEEPING_MS = 10_000;
/** What `rehearse run` keeps by itself, all of it together; `rehearse seed` may keep more. */
export const KEEP_BYTES = 20 * 2 ** 30;
/** Of the free disk. */
const MOST_OF_FREE = 0.5;

export interface KeepFacts {
  readonly keptBy: 'run' | 'seed';
  readonly fillMs: number;
  /** Expected size of the copy. */
  readonly bytes: number;
  /** Of the disk on which it would be kept; null where it is not known. */
  readonly freeBytes: number | null;
  /** The environment says that this is a job of a CI service, whose disk nobody tidies up. */
  readonly inCi: boolean;
}

/** Why it is not kept, in words, or null. */
export function whyNotKept({ keptBy, fillMs, bytes, freeBytes, inCi }: KeepFacts): string | null {
  const free = freeBytes === null ? Number.POSITIVE_INFINITY : freeBytes;
  if (keptBy === 'seed')
    return bytes <= free ? null : `it needs ${gibibytes(bytes)}, and ${gibibytes(free)} of disk are free`;
  if (fillMs < WORTH_KEEPING_MS) return `filling took less than ${WORTH_KEEPING_MS / 1000} s`;
  if (inCi) return 'CI is set: there only "rehearse seed" keeps one';
  if (bytes > KEEP_BYTES)
    return `it is larger than ${gibibytes(KEEP_BYTES)}: "rehearse seed" keeps it all the same`;
  if (bytes > free * MOST_OF_FREE)
    return `it needs ${gibibytes(bytes)}, which is more than half of the free disk (${gibibytes(free)})`;
  return null;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
