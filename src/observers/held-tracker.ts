/** Follows the locks that the migration owns from reading to reading. Pure: time comes with the readings. */
import type { SeenLock } from '../engines/engine.ts';
import { between } from '../recording/figure.ts';
import type { HeldLock, Step } from '../recording/recording.ts';
import { onlyStatementIn, runStatements } from './statements.ts';
import type { Timed } from './wait-tracker.ts';

export interface HeldTracker {
  add(reading: Timed<readonly SeenLock[]>): void;
  finish(endedAtMs: number, steps: readonly Step[]): readonly HeldLock[];
}

interface Held {
  readonly lock: SeenLock;
  /** Last reading without it: it was taken after this one was asked for. */
  readonly notBeforeMs: number;
  readonly firstSeenAtMs: number;
  lastAskedAtMs: number;
  goneAtMs: number | null;
}

/** `ledgerTables`: the tool keeps its own books in them; what it locks there is no effect of a migration. */
export function trackHeldLocks(source: string, ledgerTables: ReadonlySet<string> = new Set()): HeldTracker {
  const open = new Map<string, Held>();
  const all: Held[] = [];
  let previousAskedAtMs: number | null = null;

  return {
    add({ askedAtMs, answeredAtMs, reading }) {
      const wanted = reading.filter(({ table, relation }) => !ledgerTables.has(table ?? relation));
      const present = new Set(wanted.map(keyOf));
      for (const [key, held] of open) {
        if (present.has(key)) continue;
        held.goneAtMs = answeredAtMs;
        open.delete(key);
      }
      for (const lock of wanted) {
        const known = open.get(keyOf(lock));
        if (known !== undefined) {
          known.lastAskedAtMs = askedAtMs;
          continue;
        }
        const held: Held = {
          lock,
          notBeforeMs: previousAskedAtMs ?? askedAtMs,
          firstSeenAtMs: answeredAtMs,
          lastAskedAtMs: askedAtMs,
          goneAtMs: null,
        };
        open.set(keyOf(lock), held);
        all.push(held);
      }
      previousAskedAtMs = askedAtMs;
    },
    finish(endedAtMs, steps) {
      const statements = runStatements(steps);
      return all.map((held) => ({
        server: 'rehearsal',
        sessionId: held.lock.sessionId,
        relation: held.lock.relation,
        mode: held.lock.mode,
        heldMs: between(
          Math.max(0, held.lastAskedAtMs - held.firstSeenAtMs),
          (held.goneAtMs ?? endedAtMs) - held.notBeforeMs,
          `${source}, granted; first and last reading with it, taken as held in between`,
        ),
        firstSeenAtMs: held.firstSeenAtMs,
        statementId:
          onlyStatementIn(statements, held.lock.sessionId, {
            fromMs: held.notBeforeMs,
            toMs: held.firstSeenAtMs,
          })?.record.id ?? null,
      }));
    },
  };
}

function keyOf({ sessionId, relation, mode }: SeenLock): string {
  return `${sessionId} ${mode} ${relation}`;
}
