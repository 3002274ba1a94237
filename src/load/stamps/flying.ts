/**
 * The operations that are on their way. No Set: each of its growths leaves a table that points to the next one, and what
 * an old table points to is kept until the old generation is collected. At 1,000/s the load thread's heap grew by 20 MB a
 * minute of operations that were over.
 */

/** What is on its way knows where it stands; written by {@link Flying} alone. */
export interface Placed {
  place: number;
}

export interface Flying<Item extends Placed> {
  readonly size: number;
  add(item: Item): void;
  /** Does nothing when it is not there. */
  delete(item: Item): void;
  /** In no order. */
  readonly items: readonly Item[];
}

export function createFlying<Item extends Placed>(): Flying<Item> {
  const items: Item[] = [];
  return {
    get size() {
      return items.length;
    },
    items,
    add(item) {
      item.place = items.length;
      items.push(item);
    },
    delete(item) {
      if (items[item.place] !== item) return;
      const last = items.pop();
      if (last === undefined || last === item) return;
      items[item.place] = last;
      last.place = item.place;
    },
  };
}
