/** Text for COPY's binary format: UTF-8, which `pg` sets as the encoding of its clients. */
import { type Chunk, type Encoder, noForm, UTF8_BYTES, writeInt32 } from './writing.ts';

/** Shorter texts are written byte by byte, which is faster than a call into the runtime. */
const SHORT = 24;
const ASCII = 128;

/** Values come from pools of 4,096 mostly: their bytes are kept, up to so many values and bytes of a column. */
const KEPT_VALUES = 8192;
const KEPT_BYTES = 2 ** 20;
/** After so many look-ups it shows whether values come again. */
const TRIAL = 16_384;

/** `version` is a byte in front of the text. */
export function textEncoder(version: number | null = null): Encoder {
  const kept = new Map<string, Uint8Array>();
  let keptBytes = 0;
  let lookups = 0;
  let found = 0;
  let keeps = true;
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      if (typeof text !== 'string') throw noForm('text', text);
      if (!keeps) return writeText(chunk, at, { text, version });
      const known = kept.get(text);
      lookups += 1;
      if (known !== undefined) {
        found += 1;
        chunk.bytes.set(known, at);
        return at + known.length;
      }
      const end = writeText(chunk, at, { text, version });
      if (kept.size < KEPT_VALUES && keptBytes < KEPT_BYTES) {
        kept.set(text, Uint8Array.prototype.slice.call(chunk.bytes, at, end));
        keptBytes += end - at;
      }
      if (lookups === TRIAL && found * 2 < lookups) {
        keeps = false;
        kept.clear();
      }
      return end;
    },
  };
}

interface Text {
  readonly text: string;
  readonly version: number | null;
}

function writeText(chunk: Chunk, at: number, { text, version }: Text): number {
  const field = at + 4;
  let start = field;
  if (version !== null) {
    chunk.bytes[start] = version;
    start += 1;
  }
  const end = bytesOfText(text, chunk, start);
  writeInt32(chunk, at, end - field);
  return end;
}

/** Returns where the text ends. */
function bytesOfText(text: string, chunk: Chunk, at: number): number {
  if (text.length < SHORT) {
    let index = 0;
    for (; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= ASCII) break;
      chunk.bytes[at + index] = code;
    }
    if (index === text.length) return at + index;
  }
  return at + chunk.bytes.write(text, at);
}
