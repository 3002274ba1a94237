/** How large values out of line must be so that Postgres' toast table takes the wanted bytes. */
import { unit } from './random.ts';

/** A chunk of a value (TOAST_MAX_CHUNK_SIZE), what its row adds, and what a page holds: storage-toast in the manual. */
const CHUNK_BYTES = 1996;
const ROW_BYTES = 40;
const PAGE_BYTES = 8192;
const PAGE_ROOM = 8168;
/** Of the index on (chunk_id, chunk_seq), 90 % full. */
const ENTRY_BYTES = 22;
/** Pages with room that are looked at for the next row. */
const LOOKED_AT = 32;
const VALUES = 400;
const STEPS = 14;

/** Mean size of a value; the sizes lie `spread` (a share) around it, as the text maker has them. */
export function toastedSize(bytesPerValue: number, spread: number): number {
  let [low, high] = [1, bytesPerValue];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (toastBytes(middle, spread) < bytesPerValue) low = middle;
    else high = middle;
  }
  return high;
}

/** Bytes of the toast table with its index for each value. */
function toastBytes(mean: number, spread: number): number {
  const rooms: number[] = [];
  let chunks = 0;
  const place = (bytes: number): void => {
    chunks += 1;
    const from = Math.max(0, rooms.length - LOOKED_AT);
    for (let page = rooms.length - 1; page >= from; page -= 1) {
      const room = rooms[page] ?? 0;
      if (room < bytes) continue;
      rooms[page] = room - bytes;
      return;
    }
    rooms.push(PAGE_ROOM - bytes);
  };
  for (let value = 0; value < VALUES; value += 1) {
    let left = mean * (1 + spread * (2 * unit(1, value) - 1));
    for (; left > CHUNK_BYTES; left -= CHUNK_BYTES) place(CHUNK_BYTES + ROW_BYTES);
    place(left + ROW_BYTES);
  }
  return (rooms.length * PAGE_BYTES + chunks * ENTRY_BYTES) / VALUES;
}
