import { expect, test } from 'vitest';
import { checks } from '../checks/index.ts';
import {
  ALL_BUDGETS,
  loadRecord,
  loadSession,
  lockWaitRecord,
  MIGRATION,
  READER,
  recording,
  statementRecord,
  step,
} from '../checks/recording.fixture.ts';
import { UsageError } from '../errors.ts';
import { judge } from '../judge.ts';
import { notMeasured } from '../recording/figure.ts';
import type { Recording } from '../recording/recording.ts';
import { renderReport, reporters } from './index.ts';
import type { RenderOptions } from './reporter.ts';

const PLAIN: RenderOptions = { colour: false, width: 80 };

function render(facts: Recording, format: string): string {
  return renderReport({ recording: facts, judgement: judge(facts), checks }, format, PLAIN);
}

/** The least that a recording of a rehearsal that ended at once can hold. */
const EMPTY = recording({
  ended: { how: 'failed', phase: 'provision', message: 'no server' },
  servers: [],
  windows: [],
  filling: [],
  steps: [],
  observers: [],
  load: { notMeasured: 'the load was not started' },
  disk: { notMeasured: 'disk was not observed' },
});

test('an unknown format is a usage error that names the known ones', () => {
  expect(() => render(EMPTY, 'pdf')).toThrow(UsageError);
  expect(() => render(EMPTY, 'pdf')).toThrow(
    '"pdf" is no report format. Choose one of: terminal, markdown, json.',
  );
});

test('details that have no room are counted, in both formats', () => {
  const statements = [1, 2, 3, 4, 5, 6, 7].map((index) =>
    statementRecord({ id: `1#1.${index}`, index, line: index, text: `alter table t${index} add a int` }),
  );
  const facts = recording({ steps: [step({ outcome: 'failed', statements })] });
  for (const format of ['terminal', 'markdown']) {
    const text = render(facts, format);
    expect(text).toContain('alter table t5 add a int; and 2 more');
  }
});

test('a statement of a hundred thousand characters leaves a report that can be read', () => {
  const long = statementRecord({ text: `insert into t values ('${'x'.repeat(1e5)}')` });
  const facts = recording({ steps: [step({ statements: [long] })] });
  expect(render(facts, 'markdown')).toContain('insert into t values');
  for (const format of ['terminal', 'markdown']) expect(render(facts, format).length).toBeLessThan(30_000);
});

test('disk areas keep their order, whatever the order in which they were read', () => {
  const areas = { other: 1e6, binlog: 1e6, tables: 1e6 };
  const disk = recording().disk;
  if ('notMeasured' in disk) throw new Error('the fixture has a disk');
  const reading = { atMs: 2000, areas };
  const facts = recording({ disk: { ...disk, before: reading, peak: reading, after: reading } });
  const rows = render(facts, 'markdown').match(/^\| (?:tables|binary log|other files) /gm);
  expect(rows).toEqual(['| tables ', '| binary log ', '| other files ']);
});

test('settings with blanks or commas are quoted, so that one is told from the next', () => {
  const servers = recording().servers.map((server) => ({
    ...server,
    settings: [
      { name: 'DateStyle', value: 'ISO, MDY' },
      { name: 'fsync', value: 'on' },
    ],
  }));
  expect(render(recording({ servers }), 'terminal')).toContain('DateStyle "ISO, MDY", fsync on');
});

test.each(reporters.map(({ name }) => name))('a rehearsal that hardly began has a %s report', (format) => {
  const text = render(EMPTY, format);
  expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
  if (format !== 'json') expect(text).toContain('no server');
});

test('what could not be measured stands in the report with its reason', () => {
  const facts = recording({
    budgets: ALL_BUDGETS,
    disk: { notMeasured: 'the data directory cannot be read' },
    notMeasured: [{ what: 'replica lag', reason: 'no replica ran' }],
    steps: [step({ statements: [statementRecord({ durationMs: notMeasured('the log was lost') })] })],
  });
  for (const format of ['terminal', 'markdown']) {
    expect(render(facts, format)).toContain('the data directory cannot be read');
    expect(render(facts, format)).toContain('no replica ran');
  }
});

test('operations are named by their statements, values redacted or not, and the migration by its journal', () => {
  const load = loadRecord();
  const operations = load.operations.map((each) => ({
    ...each,
    statements: ["select 1 from t where a = 'x' limit 20"],
  }));
  const migration = {
    ...MIGRATION,
    statement: '-- migrate:up\nalter table orders add column tax_rate numeric;',
  };
  const behind = {
    waiter: { ...loadSession(11), statement: 'select 1 from t where a = ? limit ?' },
    blockers: [READER, migration],
    statementId: null,
  };
  const facts = recording({
    lockWaits: [lockWaitRecord(900, { waiter: migration }), lockWaitRecord(800, behind)],
    load: { ...load, operations },
  });
  const text = render(facts, 'terminal');
  expect(text).toContain('1 operation behind it in the database (1 get_order)');
  expect(text).not.toContain('migrate:up');
});

test('a wait of the load behind the migration that holds the lock is told from the migration down', () => {
  const waits = [11, 12, 13].map((id) =>
    lockWaitRecord(700 + id, {
      waiter: loadSession(id),
      blockers: [MIGRATION],
      statementId: null,
      startedAtMs: 2110,
    }),
  );
  const text = render(recording({ budgets: ALL_BUDGETS, lockWaits: waits }), 'terminal');
  expect(text).toContain('the migration (1_tax_rate.sql:1) held orders');
  expect(text).toContain('an operation of the load (session 13) waited 713 ms');
  expect(text).toContain('2 operations behind it in the database');
});

const BEHIND = 'Application behind each statement';

test('what queued behind a statement has a table with one row for each of several tables', () => {
  const behind = { waiter: loadSession(11), blockers: [READER, MIGRATION], statementId: null };
  const other = { ...behind, waiter: loadSession(12), relation: 'customers' };
  const facts = recording({ lockWaits: [lockWaitRecord(800, behind), lockWaitRecord(300, other)] });
  for (const format of ['terminal', 'markdown']) expect(render(facts, format)).toContain(BEHIND);
  const rows = render(facts, 'markdown')
    .split('\n')
    .filter((line) => /^\|.*\| (?:2 together|orders|customers) \|/.test(line));
  expect(rows).toEqual([
    '| 1_tax_rate.sql:1 | 2 together | 2 | 1.1 s | 800 ms | 0 | session 20 |',
    '|  | orders | 1 | 800 ms | 800 ms |  |  |',
    '|  | customers | 1 | 300 ms | 300 ms |  |  |',
  ]);
});

test('nothing that queued is no table, unless readings of the locks were missed: then it is not measured', () => {
  expect(render(recording(), 'terminal')).not.toContain(BEHIND);
  const missed = recording().observers.map((each) => ({ ...each, trouble: ['connection lost'] }));
  expect(render(recording({ observers: missed }), 'markdown')).toMatch(
    /\| all \| – \| not measured \| not measured \| not measured \|[\s\S]*There may have been more: .*connection lost/,
  );
  const seen = [lockWaitRecord(800, { waiter: loadSession(11), blockers: [MIGRATION], statementId: null })];
  const text = render(recording({ observers: missed, lockWaits: seen }), 'markdown');
  expect(text).toContain('| orders | ≥ 1 | ≥ 800 ms | ≥ 800 ms | 0 | itself |');
});

const hostile = 'x\u001b[31m\u202e| `<script>` @octocat\n# title ```';

function hostileRecording(): Recording {
  const load = loadRecord();
  return recording({
    scenario: hostile,
    budgets: { ...ALL_BUDGETS, failedOperations: 0 },
    notes: [hostile],
    notMeasured: [{ what: hostile, reason: hostile }],
    steps: [
      step({
        file: hostile,
        outcome: 'failed',
        statements: [
          statementRecord({
            text: hostile,
            outcome: 'failed',
            error: { code: '42P01', message: hostile, statement: hostile, position: null },
          }),
        ],
      }),
    ],
    lockWaits: [
      lockWaitRecord(9000, {
        relation: hostile,
        blockers: [{ ...READER, statement: hostile, applicationName: hostile }],
      }),
    ],
    load: {
      ...load,
      operations: load.operations.map((each) => ({ ...each, name: hostile })),
      outcomes: [
        {
          operation: hostile,
          window: 'migration',
          outcome: 'other error',
          code: null,
          count: 1,
          firstAtMs: 1,
          statement: hostile,
          message: hostile,
        },
      ],
    },
  });
}

test('nothing in SQL, names or messages steers the terminal', () => {
  const text = render(hostileRecording(), 'terminal');
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(text.split('\n').filter((line) => line.startsWith('# title'))).toEqual([]);
});

test('nothing in SQL, names or messages becomes markup', () => {
  const text = render(hostileRecording(), 'markdown');
  const outsideCode = text.replace(/(`+)(?:(?!\1).)+?\1/g, 'CODE');
  expect(outsideCode).not.toContain('<script>');
  expect(outsideCode).not.toContain('@octocat');
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  const tables = text.split('\n').filter((line) => line.startsWith('|'));
  const bars = (line: string): number => line.replace(/\\\|/g, '').split('|').length;
  let header: number | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.startsWith('|')) header = null;
    else if (header === null) header = bars(line);
    else expect(bars(line), `line ${index}: ${line}`).toBe(header);
  }
  expect(tables.length).toBeGreaterThan(10);
});

test('a wait whose blocker was not seen is told as the wait that it is', () => {
  const facts = recording({ lockWaits: [lockWaitRecord(700, { blockers: [] })] });
  const text = render(facts, 'terminal').replace(/\s+/g, ' ');
  expect(text).toContain('a session that was not seen blocked orders');
  expect(text).toMatch(/waited 700 ms for \w+ on orders/);
});

test('a failure names the statement of its operation where there are several', () => {
  const load = loadRecord();
  const [read] = load.operations;
  if (read === undefined) throw new Error('the fixture has no operation');
  const pay = { ...read, name: 'pay', statements: ['select 1', 'update a'] };
  const failure = {
    operation: 'pay',
    window: 'migration',
    outcome: 'deadlock',
    code: '40P01',
    firstAtMs: 1,
  } as const;
  const text = render(
    recording({
      load: {
        ...load,
        operations: [read, pay],
        outcomes: ['update a', 'commit', null].map((statement) => ({
          ...failure,
          statement,
          count: 1,
          message: 'm',
        })),
      },
    }),
    'markdown',
  );
  const named = text
    .split('\n')
    .flatMap((line) => /^\| (pay[^|]*) \| migration/.exec(line)?.[1]?.trim() ?? []);
  expect(named).toEqual(['pay, statement 2', 'pay, commit', 'pay']);
});

test('a reason stays readable beneath a label that is longer than the line is wide', () => {
  const notMeasured = [
    { what: `waits, ${'who blocks whom, '.repeat(8)}all of it`, reason: 'the view is off here' },
  ];
  const text = renderReport(
    { recording: recording({ notMeasured }), judgement: judge(recording({ notMeasured })), checks },
    'terminal',
    { colour: false, width: 80 },
  );
  expect(text).toMatch(/who blocks whom, all of it\n +the view is off here\n/);
});
