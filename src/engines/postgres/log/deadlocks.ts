/**
 * Deadlocks out of the server's log: who finds one is rolled back, and its error names all that waited for each other, with
 * their statements. Pure. The lines are those of DeadLockReport in src/backend/storage/lmgr/deadlock.c.
 */

import type { LogRecord } from './record.ts';
import { relationIn, targetOf } from './targets.ts';

export interface LoggedDeadlock {
  readonly atMs: number;
  /** In the order of the circle, the one that was rolled back first. */
  readonly parties: readonly LoggedParty[];
}

export interface LoggedParty {
  readonly sessionId: number;
  /** Null where it was not told, or had ended. */
  readonly statement: string | null;
  readonly mode: string;
  readonly target: string;
  /** Null for what is no relation. */
  readonly relationOid: number | null;
  readonly victim: boolean;
}

const DEADLOCK_DETECTED = '40P01';
const WAITS = /^Process (\d+) waits for (\w+) on (.+); blocked by process \d+\.$/;
const RAN = /^Process (\d+): (.*)$/;
const UNTOLD = new Set([
  '<backend information not available>',
  '<insufficient privilege>',
  '<command string not enabled>',
]);

/** Null for every other line, and where it does not say who took part. */
export function deadlockIn({
  severity,
  sqlState,
  detail,
  sessionId,
  atMs,
}: LogRecord): LoggedDeadlock | null {
  if (severity !== 'ERROR' || sqlState !== DEADLOCK_DETECTED || detail === null) return null;
  const waiting = new Map<number, { readonly mode: string; readonly on: string }>();
  const ran = new Map<number, string[]>();
  let current: string[] | null = null;
  for (const line of detail.split('\n')) {
    const wait = current === null ? WAITS.exec(line) : null;
    if (wait !== null) {
      waiting.set(Number(wait[1]), { mode: wait[2] ?? '', on: wait[3] ?? '' });
      continue;
    }
    const begins = RAN.exec(line);
    const pid = Number(begins?.[1]);
    // A statement may have lines of its own.
    if (begins !== null && waiting.has(pid) && !ran.has(pid)) {
      current = [begins[2] ?? ''];
      ran.set(pid, current);
    } else current?.push(line);
  }
  if (waiting.size === 0) return null;
  const parties = [...waiting].map(([pid, { mode, on }]): LoggedParty => {
    const statement = ran.get(pid)?.join('\n') ?? '';
    return {
      sessionId: pid,
      statement: statement === '' || UNTOLD.has(statement) ? null : statement,
      mode,
      target: targetOf(on),
      relationOid: relationIn(on)?.relationOid ?? null,
      victim: pid === sessionId,
    };
  });
  return { atMs, parties };
}
