/** The timeline: slots of 100 ms, counted by due instant or by the clock as LoadSlot says. */
import type { LoadSlot } from '../../recording/recording.ts';

export const SLOT_MS = 100;

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
export type CountedByDue = 'due' | 'failed' | 'dropped';

export interface SlotTimeline {
  /** Counts in the slot of an operation's due instant. */
  countDue(what: CountedByDue, dueMs: number): void;
  responded(dueMs: number, responseMs: number): void;
  /** Counts a completion at the clock's instant. */
  completed(atMs: number): void;
  /** The levels from this instant on; a slot keeps the highest of each. */
  levels(atMs: number, poolQueue: number, inFlight: number): void;
  /** All slots from the start to this instant without a gap. */
  slots(endMs: number): readonly LoadSlot[];
}

export function createTimeline(startMs: number): SlotTimeline {
  const slots: Writable<LoadSlot>[] = [];
  let poolQueue = 0;
  let inFlight = 0;

  /** Slots up to the wanted one are made with the levels that have held since the last event. */
  function slotAt(atMs: number): Writable<LoadSlot> | undefined {
    const index = Math.max(0, Math.floor((atMs - startMs) / SLOT_MS));
    while (slots.length <= index) {
      slots.push({
        atMs: startMs + slots.length * SLOT_MS,
        due: 0,
        completed: 0,
        failed: 0,
        dropped: 0,
        maxResponseMs: 0,
        poolQueue,
        inFlight,
      });
    }
    return slots[index];
  }

  return {
    countDue(what, dueMs) {
      const slot = slotAt(dueMs);
      if (slot !== undefined) slot[what] += 1;
    },
    responded(dueMs, responseMs) {
      const slot = slotAt(dueMs);
      if (slot !== undefined) slot.maxResponseMs = Math.max(slot.maxResponseMs, responseMs);
    },
    completed(atMs) {
      const slot = slotAt(atMs);
      if (slot !== undefined) slot.completed += 1;
    },
    levels(atMs, queue, flying) {
      const slot = slotAt(atMs);
      poolQueue = queue;
      inFlight = flying;
      if (slot === undefined) return;
      slot.poolQueue = Math.max(slot.poolQueue, queue);
      slot.inFlight = Math.max(slot.inFlight, flying);
    },
    slots(endMs) {
      slotAt(endMs);
      return slots.map((slot) => ({ ...slot }));
    },
  };
}
