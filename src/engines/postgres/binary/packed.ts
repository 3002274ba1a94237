/** The fields of a few thousand texts, one behind the other, ready to be copied into rows. */
import { FIXED_ROOM } from './binary.ts';
import { type Chunk, createChunk, type Encoder } from './writing.ts';

export interface PackedTexts {
  /** Bytes of this place that must be free: more than the field takes, since whole words are written. */
  room(place: number): number;
  /** Writes the field of this place, its length in front; returns where the next one begins. */
  copy(place: number, chunk: Chunk, at: number): number;
}

const WORD = 8;

/** Longer fields are copied by the runtime, whose call costs as much as some thirty words. */
const LONG = 256;

/**
 * Fields begin at whole words of one block of memory: copied word by word, an email of 25 bytes takes 13 ns, byte by byte 57
 * ns; and a few thousand small arrays, each with an object of its own, do not stay in the processor's cache.
 */
export function packedTexts(texts: readonly string[], encoder: Encoder): PackedTexts {
  const { fields, starts, lengths } = pack(texts, encoder);
  const words = new BigUint64Array(fields.buffer);
  const longs = texts.map((_, place) => {
    const [start = 0, length = 0] = [starts[place], lengths[place]];
    return length > LONG ? fields.subarray(start * WORD, start * WORD + length) : null;
  });
  return {
    room: (place) => (lengths[place] ?? 0) + FIXED_ROOM,
    copy(place, { bytes, view }, at) {
      const end = at + (lengths[place] ?? 0);
      const long = longs[place] ?? null;
      if (long !== null) {
        bytes.set(long, at);
        return end;
      }
      let word = starts[place] ?? 0;
      for (let to = at; to < end; to += WORD) {
        view.setBigUint64(to, words[word] ?? 0n, LITTLE);
        word += 1;
      }
      return end;
    },
  };
}

/** In memory the words lie as the processor has them. */
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

interface Packed {
  readonly fields: Uint8Array<ArrayBuffer>;
  /** In words. */
  readonly starts: Int32Array;
  /** In bytes. */
  readonly lengths: Int32Array;
}

function pack(texts: readonly string[], encoder: Encoder): Packed {
  const longest = texts.reduce((most, { length }) => Math.max(most, length), 0);
  const chunk = createChunk(FIXED_ROOM + longest * encoder.bytesPerCharacter);
  const made = texts.map((text) => Uint8Array.from(chunk.bytes.subarray(0, encoder.write(text, chunk, 0))));
  const lengths = Int32Array.from(made, ({ length }) => length);
  const starts = new Int32Array(made.length);
  let total = 0;
  for (const [place, length] of lengths.entries()) {
    starts[place] = total;
    total += Math.ceil(length / WORD);
  }
  const fields = new Uint8Array(total * WORD);
  for (const [place, field] of made.entries()) fields.set(field, (starts[place] ?? 0) * WORD);
  return { fields, starts, lengths };
}
