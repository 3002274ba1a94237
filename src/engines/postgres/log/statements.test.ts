/** Messages out of the log's entries, whatever their texts are. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMeasured } from '../../../recording/figure.ts';
import type { TrackedMessage } from './message.ts';
import type { LogRecord } from './record.ts';
import { trackStatements } from './statements.ts';

function line(atMs: number, message: string, changes: Partial<LogRecord> = {}): LogRecord {
  return {
    atMs,
    sessionId: 12,
    user: 'm',
    database: 'd',
    applicationName: 'any tool',
    virtualTransaction: '4/2',
    transactionId: null,
    severity: 'LOG',
    sqlState: '00000',
    message,
    detail: null,
    context: null,
    statement: null,
    position: null,
    queryId: null,
    ...changes,
  };
}

const ANALYSED = 'PARSE ANALYSIS STATISTICS';
const analysed = (atMs: number, changes: Partial<LogRecord> = {}): LogRecord =>
  line(atMs, ANALYSED, { detail: '!\t0.000000 s user, 0.000000 s system, 0.000100 s elapsed\n', ...changes });
const inside = (text: string, place = 'at SQL statement'): string =>
  `SQL statement "${text}"\nPL/pgSQL function inline_code_block line 1 ${place}`;

function told(records: readonly LogRecord[]): readonly TrackedMessage[] {
  const tracker = trackStatements({ user: 'm', database: 'd', version: 180_000 });
  return records.flatMap((record) => tracker.add(record));
}

const summary = (messages: readonly TrackedMessage[]): unknown =>
  messages.flatMap(({ statements }) =>
    statements.map(({ text, outcome, within }) => [text, outcome, within]),
  );

test('the sessions of others, and of the same user in another database, are none of it', () => {
  const others = [{ user: 'load' }, { database: 'other' }, { user: null, database: null }];
  const records = others.flatMap((other) => [
    line(1, 'statement: select 1', other),
    line(2, 'duration: 1 ms', other),
  ]);
  expect(told(records)).toEqual([]);
});

test('the query inside of PREPARE is no statement of the message, and one that fails behind it is the one', () => {
  const sent = 'prepare p as select 1; select 1 / 0; select 2';
  const records = [
    line(10, `statement: ${sent}`),
    analysed(11, { queryId: '5' }),
    analysed(12, { queryId: '5' }),
    analysed(13, { queryId: '6' }),
    line(15, 'division by zero', { severity: 'ERROR', sqlState: '22012' }),
  ];
  expect(summary(told(records))).toEqual([
    ['prepare p as select 1', 'ok', null],
    ['select 1 / 0', 'failed', null],
    ['select 2', 'not run', null],
  ]);
});

test('before 15 it is analysed without a line of its own', () => {
  const tracker = trackStatements({ user: 'm', database: 'd', version: 140_000 });
  const sent = 'prepare p as select 1; select 1 / 0; copy (select 3) to stdout';
  const records = [
    line(10, `statement: ${sent}`),
    analysed(11),
    analysed(12, { queryId: '6' }),
    line(15, 'division by zero', { severity: 'ERROR', sqlState: '22012' }),
  ];
  expect(summary(records.flatMap((record) => tracker.add(record)))).toEqual([
    ['prepare p as select 1', 'ok', null],
    ['select 1 / 0', 'failed', null],
    ['copy (select 3) to stdout', 'not run', null],
  ]);
});

test('two equal statements, with one number, are two', () => {
  const records = [
    line(10, 'statement: insert into t values (1); insert into t values (2)'),
    analysed(11, { queryId: '5' }),
    analysed(16, { queryId: '5' }),
    line(20, 'duration: 10.000 ms'),
  ];
  const [first, second] = told(records)[0]?.statements ?? [];
  expect(
    [first?.durationMs, second?.durationMs].map((each) => each && isMeasured(each) && each.upper),
  ).toEqual([expect.closeTo(6), expect.closeTo(5.1)]);
});

test('a session without log_statement tells its text with the end', () => {
  const records = [
    line(110, 'duration: 10.000 ms  statement: select 1'),
    line(150, 'duration: 5.5 ms  execute <unnamed>: select $1'),
  ];
  const [one, other] = told(records).flatMap(({ statements }) => statements);
  expect([one?.text, other?.text]).toEqual(['select 1', 'select $1']);
  expect(one).toMatchObject({
    started: { notBeforeMs: 100 },
    durationMs: { lower: 10, upper: 10 },
    outcome: 'ok',
  });
});

test('lines of a language that is not read are counted', () => {
  const tracker = trackStatements({ user: 'm', database: 'd', version: 180_000 });
  tracker.add(line(1, 'Anweisung: select 1', { severity: 'LOG' }));
  tracker.add(line(2, 'Division durch Null', { severity: 'FEHLER', sqlState: '22012' }));
  expect(tracker.foreign).toBe(1);
});

test('a loop of a million texts inside keeps as many as a report can use, equal ones but for values once', () => {
  const tracker = trackStatements({ user: 'm', database: 'd', version: 180_000 });
  tracker.add(line(1, 'statement: do $$ begin end $$'));
  tracker.add(analysed(1));
  for (let index = 0; index < 5_000; index += 1) {
    tracker.add(analysed(2, { context: inside(`update t set a = ${index}`, 'at EXECUTE') }));
    tracker.add(analysed(2, { context: inside(`create table t${index} ()`, 'at EXECUTE') }));
  }
  const [message] = tracker.add(line(9_000, 'duration: 9000.000 ms'));
  expect(message?.statements.filter(({ text }) => text.startsWith('update'))).toHaveLength(1);
  expect(message?.statements.length).toBeLessThanOrEqual(1_001);
  // 10,000 statements were logged, which production would not do.
  expect(message?.statements[0]?.durationMs).toMatchObject({ lower: 7000, upper: 9000 });
});

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    'select 1;',
    "'",
    '$$',
    '"',
    '/*',
    '--\n',
    ';;',
    'prepare p as',
    'copy (',
    'duration: 1 ms',
    'statement: x',
  ),
);
const events: fc.Arbitrary<LogRecord> = fc
  .record({
    kind: fc.constantFrom(
      'statement: ',
      'execute p: ',
      'duration: 1.5 ms  parse p: ',
      'duration: 0.1 ms  bind p: ',
      'duration: 3.25 ms',
      ANALYSED,
      'EXECUTOR STATISTICS',
      '',
    ),
    text: texts,
    context: fc.option(texts.map((text) => inside(text))),
    sessionId: fc.integer({ min: 1, max: 3 }),
    severity: fc.constantFrom('LOG', 'LOG', 'LOG', 'ERROR', 'FATAL', 'NOTICE', 'FEHLER'),
    queryId: fc.constantFrom(null, '1', '2'),
  })
  .map(({ kind, text, ...rest }) =>
    line(1_000, kind === ANALYSED || kind === 'duration: 3.25 ms' ? kind : kind + text, rest),
  );

test('any entries in any order are told without an error, and every message ends once', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), (records) => {
      const tracker = trackStatements({ user: 'm', database: 'd', version: 180_000 });
      const messages = records.flatMap((record) => tracker.add(record));
      const ends = records.filter(
        ({ severity, message }) => severity !== 'LOG' || message.startsWith('duration'),
      );
      expect(messages.length).toBeLessThanOrEqual(ends.length);
      for (const { statements } of [...messages, ...tracker.unfinished()]) {
        expect(statements.length).toBeGreaterThan(0);
        const outer = statements.filter(({ within }) => within === null).length;
        for (const { within, durationMs, started } of statements) {
          expect(started.notBeforeMs).toBeLessThanOrEqual(started.notAfterMs);
          if (within !== null) expect(within).toBeLessThan(Math.max(1, outer));
          if (isMeasured(durationMs)) expect(durationMs.lower).toBeLessThanOrEqual(durationMs.upper);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('what a session is told of does not depend on the lines of others between its own', () => {
  const sessions = fc.array(fc.array(events, { maxLength: 12 }), { minLength: 2, maxLength: 3 });
  fc.assert(
    fc.property(sessions, fc.infiniteStream(fc.nat()), (each, turns) => {
      const alone = each.map((records, index) =>
        records.map((record) => ({ ...record, sessionId: index + 1 })),
      );
      const waiting = alone.map((records) => [...records]);
      const mixed: LogRecord[] = [];
      while (waiting.some(({ length }) => length > 0)) {
        const left = waiting.filter(({ length }) => length > 0);
        const next = left[(turns.next().value ?? 0) % left.length]?.shift();
        if (next !== undefined) mixed.push(next);
      }
      const together = told(mixed);
      for (const [index, records] of alone.entries())
        expect(together.filter(({ sessionId }) => sessionId === index + 1)).toEqual(told(records));
    }),
  );
});
