/** The readers of the log: whatever a text holds, and wherever the file is cut, the entries are the same. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLogReader, type LogFormat, type LogRecord } from './record.ts';

const NOT_IN_A_TEXT = /\0/;

/** What a client can send, the worst of it more often. */
const texts = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => !NOT_IN_A_TEXT.test(text)),
  fc.constantFrom(
    'select \'a;b\', "c""d", $$e\nf$$ -- g\r\n',
    '"',
    '""',
    '",',
    '\n',
    '\r\n',
    ',\n",\n',
    '\\',
    '\\"',
    '{"a":1}\n',
    '"query_id":7}',
    '2026-01-02 03:04:05.678 UTC,"a","b",1\n',
    '\u2028\ufeff\ud83d\ude00é',
    'copy t from stdin;\n1\t\\N\n\\.\n',
  ),
);

const records: fc.Arbitrary<LogRecord> = fc.record({
  atMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  sessionId: fc.integer({ min: 1, max: 4_194_304 }),
  user: fc.constantFrom('rehearse_migrator', 'a "b", c'),
  database: fc.constantFrom('rehearsal', 'x\ny'),
  applicationName: texts,
  virtualTransaction: fc.constantFrom('3/44', null),
  transactionId: fc.constantFrom('761', null),
  severity: fc.constantFrom('LOG', 'ERROR'),
  sqlState: fc.constantFrom('00000', '42P01'),
  message: texts.filter((text) => text !== ''),
  detail: fc.option(texts.filter((text) => text !== '')),
  context: fc.option(texts.filter((text) => text !== '')),
  statement: fc.option(texts.filter((text) => text !== '')),
  position: fc.option(fc.integer({ min: 1, max: 9_999_999 })),
  queryId: fc
    .option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).filter((id) => id !== 0n))
    .map((id) => id?.toString() ?? null),
});

const time = ({ atMs }: LogRecord): string =>
  `${new Date(atMs).toISOString().replace('T', ' ').replace('Z', '')} UTC`;

/** As write_jsonlog does it: null fields are left out, and the number of the query comes last. */
function asJson(record: LogRecord): string {
  const { sessionId, user, database, applicationName, virtualTransaction, transactionId } = record;
  const { severity, sqlState, message, detail, context, statement, position, queryId } = record;
  const fields = Object.entries({
    timestamp: time(record),
    user,
    dbname: database,
    pid: sessionId,
    vxid: virtualTransaction,
    txid: Number(transactionId ?? 0),
    error_severity: severity,
    state_code: sqlState,
    message,
    detail,
    context,
    statement,
    cursor_position: position,
    application_name: applicationName,
    backend_type: 'client backend',
  });
  const line = JSON.stringify(Object.fromEntries(fields.filter(([, value]) => value !== null)));
  return `${line.slice(0, -1)},"query_id":${queryId ?? 0}}\n`;
}

/** As write_csvlog does it from 14 on: texts in quotes, nulls empty. */
function asCsv(record: LogRecord): string {
  const quoted = (text: string | null): string => (text === null ? '' : `"${text.replaceAll('"', '""')}"`);
  const { sessionId, user, database, applicationName, virtualTransaction, transactionId } = record;
  const { severity, sqlState, message, detail, context, statement, position, queryId } = record;
  return `${[
    ...[time(record), quoted(user), quoted(database), String(sessionId), quoted('127.0.0.1:5'), '6b0.8', '7'],
    ...[quoted('SELECT'), '2026-11-23 12:00:00 UTC', virtualTransaction ?? '', transactionId ?? '0'],
    ...[
      severity,
      sqlState ?? '',
      quoted(message),
      quoted(detail),
      '',
      '',
      '',
      quoted(context),
      quoted(statement),
    ],
    ...[String(position ?? ''), '', quoted(applicationName), quoted('client backend'), '', queryId ?? '0'],
  ].join(',')}\n`;
}

const WRITERS: Readonly<Record<LogFormat, (record: LogRecord) => string>> = {
  jsonlog: asJson,
  csvlog: asCsv,
};

function readIn(format: LogFormat, pieces: readonly Uint8Array[]): { records: LogRecord[]; unread: number } {
  const reader = createLogReader(format);
  return { records: pieces.flatMap((piece) => reader.add(piece)), unread: reader.unread };
}

function cutAt(bytes: Uint8Array, shares: readonly number[]): readonly Uint8Array[] {
  const places = [
    0,
    ...shares.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

describe.each(['jsonlog', 'csvlog'] as const)('%s', (format) => {
  const write = (entries: readonly LogRecord[]): Buffer => Buffer.from(entries.map(WRITERS[format]).join(''));

  test('any entries, cut at any bytes, are read as they were written', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(records, { maxLength: 6 }), shares, (entries, places) => {
        expect(readIn(format, cutAt(write(entries), places))).toEqual({ records: entries, unread: 0 });
      }),
    );
  });

  test('byte by byte it is the same', () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 3 }), (entries) => {
        const bytes = [...write(entries)].map((byte) => Uint8Array.of(byte));
        expect(readIn(format, bytes).records).toEqual(entries);
      }),
      { numRuns: 30 },
    );
  });

  test('a statement of 2 MB comes in pieces and is whole', () => {
    const [blank] = fc.sample(records, 1);
    if (blank === undefined) throw new Error('no sample');
    const message = `statement: insert into t values ('${'x"\n,'.repeat(500_000)}')`;
    const bytes = write([{ ...blank, message }]);
    const pieces = cutAt(bytes, [0.2, 0.4, 0.6, 0.8]);
    expect(readIn(format, pieces).records[0]?.message).toBe(message);
  });

  test('an entry that a crash cut short is counted, and those after it are read', () => {
    const plain = (message: string): LogRecord => ({
      atMs: 1_700_000_000_000,
      sessionId: 9,
      user: 'm',
      database: 'd',
      applicationName: 'psql',
      virtualTransaction: '3/1',
      transactionId: null,
      severity: 'LOG',
      sqlState: '00000',
      message,
      detail: null,
      context: null,
      statement: null,
      position: null,
      queryId: null,
    });
    const [first, second, third, last] = ['one "quoted"', 'two', 'three', 'four'].map(plain);
    if (!first || !second || !third || !last) throw new Error('four entries');
    const whole = write([first]);
    for (let length = 1; length < Buffer.byteLength(WRITERS[format](second)) - 1; length += 1) {
      const cut = write([second]).subarray(0, length);
      const { records: read, unread } = readIn(format, [whole, cut, write([third, last])]);
      // The entry behind the cut stands on its line, and may be lost with it; no further one is, and none is made up.
      const messages = read.map(({ message }) => message);
      expect([
        ['one "quoted"', 'four'],
        ['one "quoted"', 'three', 'four'],
      ]).toContainEqual(messages);
      expect(unread).toBeGreaterThanOrEqual(1);
    }
  });

  test('a time in another zone is no entry, and is counted', () => {
    const [sample] = fc.sample(records, 1);
    if (sample === undefined) throw new Error('no sample');
    const text = write([
      { ...sample, message: 'a', detail: null, context: null, statement: null },
    ]).toString();
    const { records: read, unread } = readIn(format, [Buffer.from(text.replace(/ UTC/, ' CET'))]);
    expect([read, unread]).toEqual([[], 1]);
  });
});
