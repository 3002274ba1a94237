import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeExecute, encodePrepare, encodeQuery, LONGEST_PAYLOAD } from './packets.ts';

/** The payload that a server puts together, with the sequence of the packets checked. */
function payloadOf(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const length = bytes.readUIntLE(at, 3);
    expect(bytes[at + 3]).toBe(pieces.length & 0xff);
    pieces.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
    if (length < LONGEST_PAYLOAD) {
      expect(at).toBe(bytes.length);
      return Buffer.concat(pieces);
    }
  }
}

test('text is a command and the text, also when it takes several packets', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(payloadOf(encodeQuery(text))).toEqual(Buffer.from(`\u0003${text}`));
      expect(payloadOf(encodePrepare(text))).toEqual(Buffer.from(`\u0016${text}`));
    }),
  );
  for (const length of [LONGEST_PAYLOAD - 2, LONGEST_PAYLOAD - 1, LONGEST_PAYLOAD, 2 * LONGEST_PAYLOAD - 1]) {
    const payload = payloadOf(encodeQuery('x'.repeat(length)));
    expect(payload.length).toBe(length + 1);
    expect(payload.equals(Buffer.from(`\u0003${'x'.repeat(length)}`))).toBe(true);
  }
});

const value = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.constant('y'.repeat(70_000)),
);

test('a statement is executed with its number, the types of the values, and those that are not null', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.array(value, { maxLength: 20 }),
      (number, values) => {
        const payload = payloadOf(encodeExecute(number, values));
        expect(payload[0]).toBe(0x17);
        expect(payload.readUInt32LE(1)).toBe(number);
        expect([...payload.subarray(5, 10)]).toEqual([0, 1, 0, 0, 0]);
        expect(payload.length === 10).toBe(values.length === 0);
        if (values.length === 0) return;
        const nullBytes = Math.ceil(values.length / 8);
        const nulls = values.map((_, index) => ((payload[10 + (index >> 3)] ?? 0) >> (index & 7)) & 1);
        expect(nulls).toEqual(values.map((each) => (each === null ? 1 : 0)));
        expect(payload[10 + nullBytes]).toBe(1);
        let at = 11 + nullBytes;
        for (const each of values) {
          expect([...payload.subarray(at, at + 2)]).toEqual([each instanceof Uint8Array ? 0xfc : 0xfd, 0]);
          at += 2;
        }
        for (const each of values) {
          if (each === null) continue;
          const { length, from } = lengthAt(payload, at);
          expect(payload.subarray(from, from + length).equals(Buffer.from(each))).toBe(true);
          at = from + length;
        }
        expect(at).toBe(payload.length);
      },
    ),
    { examples: [[7, ['one', Buffer.alloc(LONGEST_PAYLOAD + 1, 7), null]]] },
  );
});

function lengthAt(payload: Buffer, at: number): { length: number; from: number } {
  const first = payload[at] ?? 0;
  if (first < 0xfb) return { length: first, from: at + 1 };
  const bytes = { 252: 2, 253: 3, 254: 8 }[first] ?? Number.NaN;
  const length = bytes === 8 ? Number(payload.readBigUInt64LE(at + 1)) : payload.readUIntLE(at + 1, bytes);
  return { length, from: at + 1 + bytes };
}
