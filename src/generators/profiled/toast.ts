/** How large values out of line must be so that Postgres' toast table takes the wanted bytes. */
import { unit } from '../random.ts';

/** A chunk of a value (TOAST_MAX_CHUNK_SIZE), what its row adds, and what a page holds: storage-toast in the manual. */
const CHUNK_BYTES = 1996;
const ROW_BYTES = 40;
const ALIGNMENT = 4;
const PAGE_BYTES = 8192;
const PAGE_ROOM = 8168;
/** Of the index on (chunk_id, chunk_seq), 90 % full. */
const ENTRY_BYTES = 22;
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
  let pages = 0;
  let room = 0;
  let chunks = 0;
  // The newest page is tried first, and nearly always has room for the short last chunk, so gaps stay.
  const place = (bytes: number): void => {
    const aligned = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    chunks += 1;
    if (room < aligned) {
      pages += 1;
      room = PAGE_ROOM;
    }
    room -= aligned;
  };
  for (let value = 0; value < VALUES; value += 1) {
    let left = mean * (1 + spread * (2 * unit(1, value) - 1));
    for (; left > CHUNK_BYTES; left -= CHUNK_BYTES) place(CHUNK_BYTES + ROW_BYTES);
    place(left + ROW_BYTES);
  }
  return (pages * PAGE_BYTES + chunks * ENTRY_BYTES) / VALUES;
}
