import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AnswerReader, createAnswerReader } from './answers.ts';
import { LONGEST_PAYLOAD } from './packets.ts';

const MORE_RESULTS = 0x08;

/** A payload as the server sends it: in packets of at most {@link LONGEST_PAYLOAD} bytes. */
function packets(payload: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at <= payload.length; at += LONGEST_PAYLOAD) {
    const piece = payload.subarray(at, at + LONGEST_PAYLOAD);
    const header = Buffer.alloc(4);
    header.writeUIntLE(piece.length, 0, 3);
    header[3] = pieces.length & 0xff;
    pieces.push(header, piece);
  }
  return Buffer.concat(pieces);
}

const integer = (value: number): Buffer =>
  value < 0xfb
    ? Buffer.from([value])
    : value <= 0xffff
      ? Buffer.from([0xfc, value & 0xff, value >> 8])
      : Buffer.from([0xfe, value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, 0, 0, 0, 0, 0]);
const ok = (affected: number, inserted: number, status: number, info: string): Buffer =>
  packets(
    Buffer.concat([
      Buffer.from([0]),
      integer(affected),
      integer(inserted),
      Buffer.from([status, 0, 0, 0]),
      Buffer.from(info),
    ]),
  );
const eof = (status: number): Buffer => packets(Buffer.from([0xfe, 0, 0, status, 0]));
const refusal = (code: number, message: string): Buffer =>
  packets(Buffer.concat([Buffer.from([0xff, code & 0xff, code >> 8]), Buffer.from(`#42000${message}`)]));
const definition = packets(Buffer.concat([Buffer.from([3]), Buffer.from('def'), Buffer.alloc(30, 7)]));
const rows = (columns: number, values: readonly Buffer[], status: number): Buffer =>
  Buffer.concat([
    packets(integer(columns)),
    ...Array.from({ length: columns }, () => definition),
    eof(0),
    ...values.map(packets),
    eof(status),
  ]);
const prepared = (statement: number, columns: number, parameters: number): Buffer => {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(statement, 1);
  head.writeUInt16LE(columns, 5);
  head.writeUInt16LE(parameters, 7);
  const block = (count: number) =>
    count === 0 ? [] : [...Array.from({ length: count }, () => definition), eof(0)];
  return Buffer.concat([packets(head), ...block(parameters), ...block(columns)]);
};

/** What is heard of an answer that comes in chunks; the next command is sent only when the last one is answered. */
function heard(
  answers: readonly (readonly ['results' | 'prepared', Buffer])[],
  sizes: () => number,
): string[] {
  const told: string[] = [];
  const reader: AnswerReader = createAnswerReader({
    answered: (statement) => void told.push(`answered ${statement}`),
    refused: (code, message) => void told.push(`refused ${code} ${message}`),
    fileWanted: (sequence) => void told.push(`file ${sequence}`),
  });
  for (const [kind, bytes] of answers) {
    reader.expect(kind);
    for (let at = 0; at < bytes.length; ) {
      const size = Math.max(1, sizes());
      reader.read(bytes.subarray(at, at + size));
      at += size;
    }
  }
  return told;
}

const text = fc.string({ unit: 'grapheme', maxLength: 300 });
/** Text rows of one column may begin with any length's first byte; rows of prepared statements begin with 0. */
const row = fc.oneof(
  fc
    .integer({ min: 0, max: 6000 })
    .map((length) => Buffer.concat([integer(length), Buffer.alloc(length, 0xff)])),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.concat([Buffer.from([0]), bytes])),
  fc.constant(Buffer.from([0xfb])),
  fc.constant(Buffer.concat([Buffer.from([0xfe, 9, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(9)])),
);
const status = fc.constantFrom(0, 0x02, 0x22);
const result = fc.oneof(
  fc.tuple(fc.nat(70_000), fc.nat(70_000), text),
  fc.tuple(fc.integer({ min: 1, max: 300 }), fc.array(row, { maxLength: 20 })),
);
const bytesOf = (
  given: readonly [number, number, string] | readonly [number, readonly Buffer[]],
  more: number,
) => (given.length === 3 ? ok(given[0], given[1], more, given[2]) : rows(given[0], given[1], more));
const answer = fc.oneof(
  fc.tuple(fc.array(result, { minLength: 1, maxLength: 4 }), status).map(([results, last]) => ({
    kind: 'results' as const,
    bytes: Buffer.concat(
      results.map((each, index) => bytesOf(each, index < results.length - 1 ? last | MORE_RESULTS : last)),
    ),
    told: 'answered 0',
  })),
  fc
    .tuple(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.nat(300), fc.nat(300))
    .map(([statement, columns, parameters]) => ({
      kind: 'prepared' as const,
      bytes: prepared(statement, columns, parameters),
      told: `answered ${statement}`,
    })),
  fc
    .tuple(
      fc.constantFrom('results' as const, 'prepared' as const),
      fc.integer({ min: 1, max: 65_535 }),
      text,
    )
    .map(([kind, code, message]) => ({
      kind,
      bytes: refusal(code, message),
      told: `refused ${code} ${message}`,
    })),
  fc.tuple(fc.array(row, { maxLength: 5 }), fc.integer({ min: 1, max: 65_535 })).map(([values, code]) => ({
    kind: 'results' as const,
    bytes: Buffer.concat([
      packets(integer(1)),
      definition,
      eof(0),
      ...values.map(packets),
      refusal(code, 'in the middle of the rows'),
    ]),
    told: `refused ${code} in the middle of the rows`,
  })),
);

test('each answer is heard once and at its end, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(answer, { maxLength: 8 }),
      fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 13, max: 9000 }))),
      (answers, sizes) => {
        const cuts = sizes[Symbol.iterator]();
        const given = answers.map(({ kind, bytes }) => [kind, bytes] as const);
        expect(heard(given, () => cuts.next().value ?? 1)).toEqual(answers.map(({ told }) => told));
      },
    ),
  );
});

test('a row of several packets is skipped, also where a packet of it looks like an end or an error', () => {
  for (const length of [LONGEST_PAYLOAD - 1, LONGEST_PAYLOAD, LONGEST_PAYLOAD + 5, 2 * LONGEST_PAYLOAD]) {
    const long = Buffer.alloc(length, 0xfe);
    const told = heard([['results', rows(1, [long, Buffer.from([1, 65])], 0)]], () => 65_536);
    expect(told).toEqual(['answered 0']);
  }
  const misleading = Buffer.concat([Buffer.alloc(LONGEST_PAYLOAD, 1), Buffer.from([0xff, 1, 4])]);
  expect(heard([['results', rows(1, [misleading], 0)]], () => 100_000)).toEqual(['answered 0']);
});

test('a request for a file is heard with the number of its reply', () => {
  const wanted = packets(Buffer.concat([Buffer.from([0xfb]), Buffer.from('/etc/passwd')]));
  wanted[3] = 1;
  expect(heard([['results', Buffer.concat([wanted, refusal(2, 'no file')])]], () => 3)).toEqual([
    'file 2',
    'refused 2 no file',
  ]);
});
