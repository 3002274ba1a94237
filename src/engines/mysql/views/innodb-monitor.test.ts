import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PrintedLock, type PrintedParty, parseLatestDeadlock } from './innodb-monitor.ts';

const stored = (name: string) =>
  readFileSync(new URL(`samples/deadlock-${name}.txt`, import.meta.url), 'utf8');

const on = (index: string, mode: string, partition: string | null = null): PrintedLock => ({
  schema: 'd-x',
  table: partition === null ? 'o`d ü' : 'p',
  partition,
  index,
  mode,
});

const party = (
  connectionId: number,
  statement: string,
  more: Pick<PrintedParty, 'waitedFor' | 'held' | 'victim'>,
): PrintedParty => ({ connectionId, user: 'root', statement, statementCut: false, ...more });

test('two updates that cross, one of them with lines of the monitor in its statement', () => {
  const lock = on('PRIMARY', 'X,REC_NOT_GAP');
  const locks = { waitedFor: lock, held: [lock] };
  const odd = "update `o``d ü` set s='A''multi\n\n*** (2) TRANSACTION:\nx' /* x */ where id=5";
  const plain = "update `o``d ü` set s='B' where id=1";
  expect(parseLatestDeadlock(stored('mysql-9.7-rows'))?.parties).toEqual([
    party(9, odd, { ...locks, victim: false }),
    party(10, plain, { ...locks, victim: true }),
  ]);
  expect(parseLatestDeadlock(stored('mariadb-11.8-rows'))?.parties).toEqual([
    party(4, plain, { ...locks, victim: null }),
    party(3, odd, { ...locks, victim: null }),
  ]);
});

test.each([
  { name: 'mysql-9.7-gap', sessions: [9, 10], second: "insert into `o``d ü` values (8,8,'secret b')" },
  { name: 'mariadb-11.8-gap', sessions: [4, 3], second: 'insert into `o``d ü` values (?,?,?)' },
  { name: 'mariadb-10.11-gap', sessions: [4, 3], second: 'insert into `o``d ü` values (?,?,?)' },
])('two inserts into a gap that both have closed to others: $name', ({ name, sessions, second }) => {
  const first = "insert into `o``d ü` values (7,7,'secret a')";
  const locks = { waitedFor: on('kn', 'X,GAP,INSERT_INTENTION'), held: [on('kn', 'X,GAP')] };
  const statements = name.startsWith('mysql') ? [first, second] : [second, first];
  expect(parseLatestDeadlock(stored(name))?.parties).toEqual(
    sessions.map((id, index) =>
      party(id, statements[index] ?? '', { ...locks, victim: name.startsWith('mysql') ? index === 1 : null }),
    ),
  );
});

test('a circle of three over the partitions of a table', () => {
  const [p0, p1, other] = [
    on('PRIMARY', 'X,REC_NOT_GAP', 'p0'),
    on('PRIMARY', 'X,REC_NOT_GAP', 'p1'),
    on('PRIMARY', 'X,REC_NOT_GAP'),
  ];
  const a = { statement: 'update p set n=3 where id=20', waitedFor: p1, held: [p0] };
  const b = { statement: 'update `o``d ü` set n=3 where id=20', waitedFor: other, held: [p1] };
  const c = { statement: 'delete from p where id=1', waitedFor: p0, held: [other] };
  expect(parseLatestDeadlock(stored('mysql-9.7-three'))?.parties).toMatchObject([
    { ...b, victim: false },
    { ...c, victim: true },
    { ...a, victim: false },
  ]);
  expect(parseLatestDeadlock(stored('mariadb-11.8-three'))?.parties).toMatchObject([
    { ...a, victim: null },
    { ...b, victim: null },
    { ...c, victim: null },
  ]);
});

test('shared locks, and the gap behind the last record', () => {
  expect(parseLatestDeadlock(stored('mysql-9.7-share'))?.parties[0]?.waitedFor?.mode).toBe('S,REC_NOT_GAP');
  expect(parseLatestDeadlock(stored('mysql-9.7-duplicate'))?.parties[0]).toMatchObject({
    held: [{ mode: 'S', index: 'PRIMARY' }],
    waitedFor: { mode: 'X,INSERT_INTENTION' },
  });
});

test('no deadlock, and other texts, are none', () => {
  for (const text of [
    '',
    'LATEST DETECTED DEADLOCK',
    '------------\nTRANSACTIONS\n------------\nTrx id counter 1',
  ])
    expect(parseLatestDeadlock(text)).toBeNull();
});

/** As the two servers print it, from the samples. */
interface Printed {
  readonly statement: string;
  readonly lock: PrintedLock;
}

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;
const WORDS: Readonly<Record<string, string>> = {
  X: 'lock_mode X',
  S: 'lock mode S',
  'X,REC_NOT_GAP': 'lock_mode X locks rec but not gap',
  'S,REC_NOT_GAP': 'lock mode S locks rec but not gap',
  'X,GAP': 'lock_mode X locks gap before rec',
  'X,INSERT_INTENTION': 'lock_mode X insert intention',
  'X,GAP,INSERT_INTENTION': 'lock_mode X locks gap before rec insert intention',
};

function printedLock({ schema, table, partition, index, mode }: PrintedLock, transaction: number): string {
  const of = partition === null ? '' : ` /* Partition ${quoted(partition)} */`;
  return (
    `RECORD LOCKS space id 2 page no 4 n bits 72 index ${index} of table ${quoted(schema ?? '')}.${quoted(table)}${of} ` +
    `trx id ${transaction} ${WORDS[mode]}`
  );
}

const RECORD =
  'Record lock, heap no 3 PHYSICAL RECORD: n_fields 5; compact format; info bits 0\n 0: len 4; hex 80000005; asc     ;;\n';

function printed(flavor: 'MySQL' | 'MariaDB', parties: readonly Printed[], victim: number): string {
  const blocks = parties.map(({ statement, lock }, at) => {
    const before = parties[(at + parties.length - 1) % parties.length]?.lock ?? lock;
    const head = `*** (${at + 1}) TRANSACTION:\nTRANSACTION ${100 + at}, ACTIVE 0 sec inserting\nmysql tables in use 1, locked 1
LOCK WAIT 3 lock struct(s), heap size 1128, 2 row lock(s)\n${flavor} thread id ${at + 7}, OS thread handle 1397, query id 18 172.17.0.1 app updating
${statement}\n`;
    if (flavor === 'MySQL')
      return `${head}\n*** (${at + 1}) HOLDS THE LOCK(S):\n${printedLock(before, 100 + at)}\n${RECORD}\n
*** (${at + 1}) WAITING FOR THIS LOCK TO BE GRANTED:\n${printedLock(lock, 100 + at)} waiting\n${RECORD}\n`;
    const next = 100 + ((at + 1) % parties.length);
    return `${head}*** WAITING FOR THIS LOCK TO BE GRANTED:\n${printedLock(lock, 100 + at)} waiting\n${RECORD}
*** CONFLICTING WITH:\n${printedLock(lock, next)}\n${RECORD}\n`;
  });
  return `-----\nSEMAPHORES\n-----\n\n------------------------\nLATEST DETECTED DEADLOCK\n------------------------
2026-11-23 12:05:38 1397\n${blocks.join('\n')}*** WE ROLL BACK TRANSACTION (${victim + 1})\n------------\nTRANSACTIONS\n------------\nx\n`;
}

test('what is printed is read, whatever the statements and names hold', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '*** (2) TRANSACTION:',
      '*** (1) HOLDS THE LOCK(S):',
      '*** WE ROLL BACK TRANSACTION (1)',
      'LATEST DETECTED DEADLOCK',
      'RECORD LOCKS space id 1',
      "'secret'",
      '',
    ),
    fc.string({ minLength: 1, unit: 'grapheme' }),
  );
  const statement = fc
    .array(line, { maxLength: 5 })
    .map((lines) =>
      ['update t set a = 1', ...lines, 'where b = 2'].join('\n').replace(/[\r\u2028\u2029]/g, ' '),
    );
  const name = fc.stringMatching(/^[a-zäöü`$ .-]{1,12}$/);
  const lock = fc.record({
    schema: name,
    table: name,
    partition: fc.option(fc.constantFrom('p0', 'p 1')),
    index: fc.stringMatching(/^[a-z_ äö]{1,10}$/).filter((text) => text.trim() === text && text !== ''),
    mode: fc.constantFrom(...Object.keys(WORDS)),
  });
  const parties = fc.array(fc.record({ statement, lock }), { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(
      parties,
      fc.nat(),
      fc.constantFrom('MySQL' as const, 'MariaDB' as const),
      (made, chosen, flavor) => {
        const victim = chosen % made.length;
        const read = parseLatestDeadlock(printed(flavor, made, victim));
        expect(read?.parties).toEqual(
          made.map(({ statement: text, lock: waitedFor }, at) => ({
            connectionId: at + 7,
            user: 'app',
            statement: text.trim(),
            statementCut: false,
            waitedFor,
            held: [made[(at + made.length - 1) % made.length]?.lock],
            victim: flavor === 'MySQL' ? at === victim : null,
          })),
        );
      },
    ),
  );
});
