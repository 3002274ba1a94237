/**
 * Every line of what can go wrong before or while a rehearsal runs: one clear message with the value and what to do,
 * the documented exit code, nothing but a report on stdout, and nothing left behind.
 */
import { expect, test } from 'vitest';
import { createSandbox, type Files, SMALL_PROJECT, SMALL_SCHEMA, scenarioWith } from './sandbox.ts';
import { startTestServer } from './server.ts';
import { endedInProvision, expectTrouble, runTrouble, type Trouble } from './troubles.ts';

/** A registry that nobody answers for: what a machine without a network sees. */
const OFFLINE = { npm_config_registry: 'http://127.0.0.1:1' };
const UNREACHABLE = 'postgres://someone:hidden@127.0.0.1:1/orders';

const scenario = (changes: Readonly<Record<string, unknown>>): Files => ({
  'rehearsal.yaml': scenarioWith(changes),
});

const beforeTheServer: readonly Trouble[] = [
  {
    what: 'an unknown key',
    files: scenario({ laod: { rate: '5/s' } }),
    exitCode: 2,
    says: [/rehearsal\.yaml:\d+:1: unknown key "laod"/, 'did you mean "load"?'],
  },
  {
    what: 'several mistakes at once',
    files: scenario({ load: { rate: '50/s', pol: { size: 1 } }, budgets: { stall: '5 lightyears' } }),
    exitCode: 2,
    says: ['unknown key "pol" in load: did you mean "pool"?', '"5 lightyears" is not a duration'],
  },
  {
    what: 'a wrong unit in the scenario',
    files: scenario({ load: { rate: '50/s', baseline: '10 parsecs' } }),
    exitCode: 2,
    says: [/rehearsal\.yaml:\d+:\d+: load\.baseline: "10 parsecs" is not a duration/, 'such as 300ms, 5s'],
  },
  {
    what: 'a wrong unit in an option',
    args: ['--rows', '5X'],
    exitCode: 2,
    says: ['--rows: "5X" is not a count', 'such as 5000, 200k or 20M'],
  },
  {
    what: 'a missing scenario',
    args: ['nowhere'],
    exitCode: 2,
    says: ['there is no scenario "nowhere"', 'write a folder with a rehearsal.yaml'],
  },
  {
    what: 'a missing schema file',
    files: scenario({ data: { schema: 'nowhere.sql' } }),
    exitCode: 2,
    says: [/rehearsal\.yaml:\d+:\d+: data\.schema: there is no file ".*nowhere\.sql"/, 'correct the path'],
  },
  {
    what: 'a schema file that is a folder',
    args: ['--schema', 'migrations', '--migrations', 'migrations'],
    exitCode: 2,
    says: [/--schema: ".*migrations" is a folder: write the path of a file/],
  },
  {
    what: 'a missing migrations directory',
    files: scenario({ migrations: { directory: 'nowhere' } }),
    exitCode: 2,
    says: [/migrations\.directory: there is no folder ".*nowhere": correct the path/],
  },
  {
    what: 'an empty migrations directory',
    files: { 'migrations/1_note.sql': '', 'migrations/README.txt': 'nothing yet' },
    exitCode: 2,
    says: [/no migration in the layout of plain SQL files is in ".*migrations"/, '--migrations'],
  },
  {
    what: 'an unknown tool',
    args: ['--tool', 'liquidbase'],
    exitCode: 2,
    says: ['--tool: "liquidbase" is no known migration tool', 'write one of dbmate, golang-migrate'],
  },
  {
    what: 'an unknown engine',
    args: ['--engine', 'oracle'],
    exitCode: 2,
    says: ['--engine: "oracle" is no known engine', 'write one of postgres'],
  },
  {
    what: 'an engine that cannot be told',
    files: {
      ...scenario({ database: undefined }),
      'schema.sql': 'create table a (id int primary key);',
      'migrations/1_note.sql': 'alter table a add column b int;',
    },
    exitCode: 2,
    says: ['neither the SQL nor the configuration of a tool tells the engine', '--engine'],
  },
  {
    what: 'an engine version that is not there',
    args: ['--server-version', '9', '--provision', 'embedded'],
    exitCode: 2,
    says: ['there is no embedded Postgres "9"', 'a major version from 10 on'],
  },
  {
    what: 'an engine version that cannot be fetched',
    args: ['--server-version', '11', '--provision', 'embedded'],
    // The cache is one that nobody has filled: a folder beside the scratch folder of the sandbox.
    env: { ...OFFLINE, REHEARSE_CACHE: 'cache' },
    exitCode: 3,
    says: ['Postgres 11 is neither installed nor in the cache', 'Go online once'],
    recorded: endedInProvision,
  },
  {
    what: 'an unknown budget',
    args: ['--budget', 'lokWait=1s'],
    exitCode: 2,
    says: ['unknown key "lokWait"', 'did you mean "lockWait"?'],
  },
  {
    what: 'an unknown report format',
    args: ['--report', 'pdf'],
    exitCode: 2,
    says: ['"pdf" is no report format', 'Choose one of: terminal, markdown, json'],
  },
  {
    what: 'a report file in a folder that is not there',
    args: ['--report', 'markdown=nowhere/report.md'],
    exitCode: 2,
    says: [
      /The report file ".*nowhere.report\.md" cannot be written to/,
      'Choose a file in a folder that exists',
    ],
  },
  {
    what: 'an unknown option',
    args: ['--rowz', '5'],
    exitCode: 2,
    says: ["'--rowz'", 'See rehearse run --help.'],
  },
  {
    what: 'an external server that is not named as expendable',
    args: ['--url', UNREACHABLE],
    exitCode: 2,
    says: ['orders on 127.0.0.1:1 is not named as expendable', 'set database.expendable: true'],
  },
  {
    what: 'an unreachable server',
    args: ['--url', UNREACHABLE, '--expendable'],
    exitCode: 3,
    says: [
      'cannot connect to Postgres at 127.0.0.1:1 as user "someone"',
      'start the server, or correct host and port',
    ],
    recorded: endedInProvision,
  },
  {
    what: 'a port that the settings ask for',
    files: scenario({ database: { settings: { port: 5432 } } }),
    exitCode: 2,
    says: ['port = "5432" cannot be set in a rehearsal: the provisioner chooses it', 'Leave it out'],
  },
  {
    what: 'a Docker engine that does not answer',
    args: ['--provision', 'container'],
    env: { DOCKER_HOST: 'tcp://127.0.0.1:1' },
    exitCode: 3,
    says: ['no Docker engine answers at DOCKER_HOST=tcp://127.0.0.1:1', 'start one, or set DOCKER_HOST'],
    recorded: endedInProvision,
  },
  {
    what: 'a folder that cannot be made',
    env: { REHEARSE_TMP: 'schema.sql/below-a-file' },
    exitCode: 3,
    says: ['cannot make the folder "schema.sql/below-a-file"'],
    recorded: endedInProvision,
  },
];

const onTheServer: readonly Trouble[] = [
  {
    what: 'a setting that the server refuses',
    files: scenario({ database: { settings: { shared_buffers: '12 parsecs' } } }),
    exitCode: 2,
    says: ['the server refuses shared_buffers = "12 parsecs"', 'Correct it or leave it out'],
  },
  {
    what: 'no free disk',
    args: ['--rows', '100G'],
    exitCode: 3,
    says: [
      /not enough free disk: the data would take about \d+ MiB, and 2\.2 times that/,
      /has \d+ MiB free/,
      'Ask for fewer rows',
    ],
    recorded: (recording) => {
      expect(recording.ended).toMatchObject({ how: 'failed', phase: 'fill' });
      expect(recording.filling).toEqual([]);
    },
  },
  {
    what: 'a schema with a wrong statement',
    files: { 'schema.sql': `${SMALL_SCHEMA}\ncreate tabel more (id int);\n` },
    exitCode: 2,
    says: [/schema\.sql:8: the server refused this statement \(42601\): syntax error at or near "tabel"/],
  },
  {
    what: 'a check that nothing can satisfy',
    files: {
      'schema.sql': SMALL_SCHEMA.replace(
        'total int not null',
        'total int not null check (total > 10 and total < 5)',
      ),
    },
    exitCode: 2,
    says: [
      'orders: the check constraint "orders_total_check"',
      'cannot be filled',
      'data.tables."orders".columns."total"',
    ],
  },
  {
    what: 'SQL that fails while rows are filled in',
    files: {
      'schema.sql': SMALL_SCHEMA.replace(
        'total int not null',
        'total int not null,\n  share int generated always as (1 / (total - total)) stored',
      ),
    },
    exitCode: 2,
    says: [/table "orders" cannot be filled.*division by zero \(22012\)/, 'data.tables."orders".columns'],
  },
  {
    what: 'a table that the scenario names and the schema does not have',
    files: scenario({ data: { tables: { ordres: { rows: 5 } } } }),
    exitCode: 2,
    says: ['data.tables."ordres": the schema has no such table', 'It has: '],
  },
  {
    what: 'a drill of a table that is not there',
    files: scenario({ drills: [{ longReader: { table: 'ordres', at: '0s', for: '1s' } }] }),
    exitCode: 2,
    says: [
      'longReader names the table "ordres", which the schema does not have',
      'There are: customers, orders',
    ],
  },
  {
    what: 'an operation that the schema does not have the column for',
    files: {
      ...scenario({ load: { operations: 'workload.sql' } }),
      'workload.sql': '-- name: get_order  weight: 1\nselect nope from orders where id = $1;\n',
    },
    exitCode: 2,
    says: [/workload\.sql:2: get_order: .*\(42703\): column "nope" does not exist/],
  },
  {
    what: 'workload files that cannot be read, before anything starts',
    files: {
      ...scenario({ load: { operations: 'workload.sql', nextOperations: 'next.sql' } }),
      'workload.sql': '-- name: get_order  weigth: 1\nselect id from orders where id = $2;\n',
      'next.sql': '-- name: get_order\n-- $1: orders.id gauss\nselect id from orders where id = $1;\n',
    },
    exitCode: 2,
    says: [
      // The first of all that is said: no line of progress stands before it.
      /^rehearse: .*workload\.sql:1: "weigth: 1" is not understood: write "-- name: NAME/,
      /next\.sql:2: the hint "\$1: orders\.id gauss" is not understood/,
    ],
  },
  {
    what: 'a rate beyond what the load can do',
    files: scenario({ load: { rate: '900000/s', warmUp: '0s' } }),
    exitCode: 3,
    says: [/load\.rate 900000\/s is above 60 % of what this load can do here: .* carry \d+ reads\/s at most/],
    recorded(recording) {
      expect(recording.ended).toMatchObject({ how: 'failed', phase: 'warm-up' });
      expect(recording.windows).toEqual([]);
      expect(recording.load).toMatchObject({
        selfCheck: { ceilingPerSecond: { lower: expect.any(Number) } },
      });
    },
  },
  {
    what: 'nothing pending',
    files: scenario({ migrations: { released: '1_note' } }),
    exitCode: 2,
    says: ['no migration is pending', 'Add the migration to be rehearsed'],
  },
  {
    what: 'a released version that no migration has',
    files: scenario({ migrations: { released: '7' } }),
    exitCode: 2,
    says: ['migrations.released is "7", and no migration has that version', '1_note'],
  },
  {
    what: 'a trigger that raises',
    files: {
      'schema.sql': `${SMALL_SCHEMA}create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'not today'; end $$;
        create trigger refuse before insert on orders for each row execute function refuse();`,
    },
    exitCode: 1,
    says: [],
    recorded: (recording) => {
      // Rows are filled in as if they had always been there; what the load inserts meets the trigger.
      expect(recording.filling.find(({ table }) => table === 'orders')?.rows).toBe(500);
      const outcomes = 'outcomes' in recording.load ? recording.load.outcomes : [];
      expect(outcomes.map(({ code }) => code)).toContain('P0001');
    },
  },
  {
    what: 'a migration that fails halfway, in a transaction',
    files: {
      'migrations/1_note.sql':
        'alter table orders add column note text;\nalter table ordres add column more text;\n',
      'migrations/2_more.sql': 'alter table orders add column later text;\n',
    },
    exitCode: 1,
    says: [],
    recorded: (recording) => {
      const [failed, after] = recording.steps;
      expect(failed).toMatchObject({ file: '1_note.sql', outcome: 'failed', error: { code: '42P01' } });
      expect(failed?.statements.map(({ outcome, effect }) => `${outcome}, ${effect}`)).toEqual([
        'ok, rolled back',
        'failed, rolled back',
      ]);
      expect(after).toMatchObject({ file: '2_more.sql', outcome: 'not run' });
    },
  },
  {
    what: 'a migration that fails halfway, without a transaction',
    files: {
      ...scenario({ migrations: { tool: 'dbmate' } }),
      'migrations/1_note.sql':
        '-- migrate:up transaction:false\ncreate index concurrently orders_total on orders (total);\n-- migrate:down\n',
      'migrations/2_email.sql':
        '-- migrate:up transaction:false\ncreate unique index concurrently orders_all on orders ((1));\n-- migrate:down\n',
    },
    exitCode: 1,
    says: [],
    recorded: (recording) => {
      expect(recording.steps.map(({ outcome, error }) => [outcome, error?.code ?? null])).toEqual([
        ['applied', null],
        ['failed', '23505'],
      ]);
      expect(recording.steps.flatMap(({ statements }) => statements.map(({ effect }) => effect))).toEqual([
        'took effect',
        'unknown',
      ]);
      // The invalid index that the failure leaves is what has to be dropped by hand.
      expect(recording.notes.join('\n')).toContain('an invalid index may be left');
    },
  },
];

for (const trouble of [...beforeTheServer, ...onTheServer]) {
  test(`${trouble.what}: one clear message, exit code ${trouble.exitCode}, nothing left behind`, async () => {
    await runTrouble(SMALL_PROJECT, trouble);
  });
}

test('a Node.js that is too old is told so by the command itself', async () => {
  await using sandbox = await createSandbox(SMALL_PROJECT);
  // tests/package.test.ts runs the installed package on a real old one.
  const pretence = "Object.defineProperty(process.versions, 'node', { value: '20.19.4' })";
  const preload = `--import=data:text/javascript,${encodeURIComponent(pretence)}`;
  await expectTrouble(sandbox, ['run'], {
    what: 'a Node.js that is too old',
    env: { NODE_OPTIONS: preload },
    exitCode: 2,
    says: ['rehearse needs Node.js 24.0 or newer; this is 20.19.4', 'npm run rehearse'],
  });
});

test('a user without the right to make roles: one clear message, exit code 3, nothing left behind', async () => {
  await using external = await startTestServer();
  await using administrator = await external.connect('administrator');
  await administrator.execute("create role weak login password 'hidden'");
  await using sandbox = await createSandbox(SMALL_PROJECT);
  const { host, port, database } = administrator.target;
  await expectTrouble(
    sandbox,
    [
      'run',
      '--url',
      `postgres://weak:hidden@${host}:${port}/${database}`,
      '--expendable',
      '--report',
      'json=-',
    ],
    {
      what: 'a user without the right to make roles',
      exitCode: 3,
      says: ['weak', 'CREATEROLE'],
      recorded: endedInProvision,
    },
  );
});
