/**
 * How many operations waited for a client, and how many were under way, at the start of each slot: from their
 * intervals in any order. A slot shows the higher one of its two ends, which is at most what it was in between.
 */
import type { LoadSlot } from '../../recording/recording.ts';

export interface Levels {
  waited(fromMs: number, toMs: number): void;
  ran(fromMs: number, toMs: number): void;
  /** The slots with their levels. */
  over(slots: readonly LoadSlot[]): readonly LoadSlot[];
}

export function createLevels(startMs: number, slotMs: number): Levels {
  const waiting = new Map<number, number>();
  const running = new Map<number, number>();

  /** Adds one at every boundary in [from, to), kept as differences. */
  function add(changes: Map<number, number>, fromMs: number, toMs: number): void {
    const first = Math.max(0, Math.ceil((fromMs - startMs) / slotMs));
    const end = Math.max(0, Math.ceil((toMs - startMs) / slotMs));
    if (end <= first) return;
    changes.set(first, (changes.get(first) ?? 0) + 1);
    changes.set(end, (changes.get(end) ?? 0) - 1);
  }

  function levelsOf(changes: ReadonlyMap<number, number>, count: number): readonly number[] {
    let level = 0;
    return Array.from({ length: count }, (_, index) => {
      level += changes.get(index) ?? 0;
      return level;
    });
  }

  return {
    waited: (fromMs, toMs) => add(waiting, fromMs, toMs),
    ran: (fromMs, toMs) => add(running, fromMs, toMs),
    over(slots) {
      const queue = levelsOf(waiting, slots.length + 1);
      const flying = levelsOf(running, slots.length + 1);
      const higher = (levels: readonly number[], index: number): number =>
        Math.max(levels[index] ?? 0, levels[index + 1] ?? 0);
      return slots.map((slot, index) => ({
        ...slot,
        poolQueue: higher(queue, index),
        inFlight: higher(flying, index),
      }));
    },
  };
}
