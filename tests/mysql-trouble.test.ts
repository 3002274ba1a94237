/**
 * What can go wrong on MySQL and MariaDB alone, or there in another way: one clear message, the documented exit code,
 * what cannot be measured said and never green, and nothing left behind.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Judgement } from '../src/checks/check.ts';
import type { Recording } from '../src/recording/recording.ts';
import { containersMissing } from './containers.ts';
import { type Files, SMALL_PROJECT, SMALL_SCHEMA, scenarioWith } from './sandbox.ts';
import { type BareServer, serverSpec, startBareServer } from './server.ts';
import { endedInProvision, type Interruption, runInterrupted, runTrouble, type Trouble } from './troubles.ts';

const CONTAINER = { engine: 'mysql', version: '9.7', provision: 'container' };

const scenario = (changes: Readonly<Record<string, unknown>>): Files => ({
  'rehearsal.yaml': scenarioWith({ database: { engine: 'mysql' }, ...changes }),
});
const withSettings = (settings: Readonly<Record<string, string>>, more = {}): Files =>
  scenario({ database: { ...CONTAINER, settings }, ...more });
const dated = (column: string): Files => ({
  'schema.sql': SMALL_SCHEMA.replace('total int not null', `total int not null,\n  placed_on ${column}`),
});
const columns = (of: Readonly<Record<string, unknown>>) => ({
  data: { schema: 'schema.sql', tables: { customers: { rows: 50 }, orders: { rows: 500, columns: of } } },
});

/** The lock wait is not told as "none": it could not be seen. */
function lockWaitIsOpen(judgement: Judgement): void {
  const found = judgement.findings.filter(({ checkId }) => checkId === 'lock-wait');
  expect(found.map(({ verdict }) => verdict)).toEqual(['inconclusive']);
  expect(judgement.verdict).not.toBe('pass');
}

const reasons = ({ notMeasured }: Recording): string => notMeasured.map(({ reason }) => reason).join('\n');

/** On a server of the test, each in a database of its own, as an external one. */
const onExternal: readonly Trouble[] = [
  {
    what: 'a zero date as a default, which sql_mode refuses',
    files: dated("date not null default '0000-00-00'"),
    exitCode: 2,
    says: [
      /schema\.sql:2: the server refused this statement \(1067\): Invalid default value for 'placed_on'/,
      'database.settings.sql_mode',
    ],
  },
  {
    what: 'a zero date among the values of a column',
    files: {
      ...dated('date not null'),
      ...scenario(columns({ placed_on: { values: { '0000-00-00': 1, '2026-01-01': 1 } } })),
    },
    exitCode: 2,
    says: ['table "orders" cannot be filled', 'column "placed_on"', 'data.tables.orders.columns.placed_on'],
  },
  {
    what: 'a zero date as the beginning of a range',
    files: {
      ...dated('date not null'),
      ...scenario(columns({ placed_on: { range: ['0000-00-00', '2026-01-01'] } })),
    },
    exitCode: 2,
    says: ['data.tables."orders".columns."placed_on".range', '0000-00-00'],
  },
  {
    what: 'a lock timeout of a fraction of a second that is reached',
    files: scenario({
      migrations: { tool: 'sql', directory: 'migrations', lockTimeout: '300ms', retries: 1 },
      drills: [{ idleInTransaction: { table: 'orders', at: '-500ms', for: '6s' } }],
    }),
    exitCode: 1,
    says: [],
    recorded: ({ steps, notes }) => {
      expect(steps).toMatchObject([
        {
          outcome: 'failed',
          attempts: 2,
          error: { code: '1205', message: expect.stringContaining('300 ms') },
        },
      ]);
      expect(notes.join('\n')).not.toContain('nobody set a lock timeout');
    },
  },
];

/** On containers of their own, started with what the scenario says. */
const onContainers: readonly Trouble[] = [
  {
    what: 'LOAD DATA LOCAL switched off',
    files: withSettings({ local_infile: 'OFF' }),
    exitCode: 3,
    says: [
      'cannot be filled: the server refuses LOAD DATA LOCAL (3948)',
      'Set local_infile = ON on the server',
    ],
    recorded: (recording) => expect(recording.ended).toMatchObject({ how: 'failed', phase: 'fill' }),
  },
  {
    what: 'max_allowed_packet too small for a row',
    files: {
      'schema.sql': SMALL_SCHEMA.replace(
        'total int not null',
        'total int not null,\n  scan longtext not null',
      ),
      ...withSettings({ max_allowed_packet: '64K' }, columns({ scan: { width: 100_000 } })),
    },
    exitCode: 3,
    says: [
      /row \d+ of table "orders" is too large for the server: it has \d{6} bytes, and max_allowed_packet is 65536/,
      'Raise max_allowed_packet under database.settings',
    ],
    recorded: (recording) => expect(recording.ended).toMatchObject({ how: 'failed', phase: 'fill' }),
  },
  {
    what: 'performance_schema off',
    files: withSettings({ performance_schema: 'OFF' }),
    exitCode: 3,
    says: [],
    recorded: (recording, judgement) => {
      expect(reasons(recording)).toMatch(
        /^performance_schema is off: start the server with performance_schema = ON; .*canaries/m,
      );
      expect(recording.steps).toMatchObject([{ outcome: 'applied' }]);
      lockWaitIsOpen(judgement);
    },
  },
  {
    what: 'an image of another flavor than said',
    files: scenario({ database: { engine: 'mysql', image: 'mariadb:11.8' } }),
    exitCode: 2,
    says: [
      /the server says that it is "11\.8\.[^"]*", which is mariadb, but database\.engine says "mysql"/,
      'Correct one',
    ],
  },
];

const LONG_READER = { drills: [{ longReader: { table: 'orders', at: '-1s', for: '600s' } }] };
const ON_CONTAINER = { database: CONTAINER };

const interruptions: readonly Interruption[] = [
  {
    phase: 'fill',
    moment: 'while rows are filled in',
    files: scenario({
      ...ON_CONTAINER,
      data: { schema: 'schema.sql', tables: { customers: { rows: 50 }, orders: { rows: '50M' } } },
    }),
    after: /^ {2}fill +filling/m,
    signal: 'SIGINT',
  },
  {
    phase: 'baseline',
    moment: 'in the baseline',
    files: scenario({ ...ON_CONTAINER, load: { rate: '50/s', baseline: '600s' } }),
    after: /^ {2}baseline/m,
    signal: 'SIGTERM',
    recorded: (recording) => expect(recording.windows.map(({ name }) => name)).toEqual(['baseline']),
  },
  {
    phase: 'migration',
    moment: 'while the migration is blocked behind a long reader',
    files: scenario({ ...ON_CONTAINER, ...LONG_READER }),
    after: /^ {2}migration +alter table orders/m,
    signal: 'SIGINT',
    recorded: (recording) => {
      expect(recording.steps).toMatchObject([{ file: '1_note.sql', outcome: 'failed' }]);
      expect(recording.notes.join('\n')).toContain(
        'nobody set a lock timeout: the migration waits for up to 365 days',
      );
    },
  },
];

test('SQL that two engines could read: the engine is asked for', async () => {
  await runTrouble(SMALL_PROJECT, {
    what: 'marks of two engines',
    files: {
      ...scenario({ database: undefined }),
      'schema.sql': 'create table a (id int auto_increment primary key, extra jsonb);\n',
      'migrations/1_note.sql': 'alter table a add column b int;\n',
    },
    exitCode: 2,
    says: [/the SQL could be for postgres \(.*"jsonb".*\) or mysql \(.*"auto_increment".*\)/, '--engine'],
  });
});

const missing = (await containersMissing('mysql:9.7')) ?? (await containersMissing('mariadb:11.8'));

describe.skipIf(missing !== null)(missing ?? 'mysql:9.7', () => {
  let started: BareServer;
  let databases = 0;

  beforeAll(async () => {
    started = await startBareServer(serverSpec('mysql:9.7'));
    await started.server.useProfile('rehearsal');
    await using administrator = await started.session();
    // Its own password has no mark by which a message could be searched for it.
    await administrator.execute("create user owner identified by 'hidden'");
    await administrator.execute('grant all on *.* to owner with grant option');
  });
  afterAll(async () => started?.[Symbol.asyncDispose]());

  /** Options for a new database; `grants` are given to a new user, on `DATABASE` what is meant. */
  async function external(grants: readonly string[] | null = null): Promise<readonly string[]> {
    databases += 1;
    const database = `shop_${databases}`;
    const user = grants === null ? 'owner' : `weak_${databases}`;
    await using administrator = await started.session();
    await administrator.execute(`create database ${database}`);
    if (grants !== null) await administrator.execute(`create user ${user} identified by 'hidden'`);
    for (const grant of grants ?? [])
      await administrator.execute(
        `grant ${grant.replace('DATABASE', `${database}.*`)} to ${user} with grant option`,
      );
    const { host, port } = started.server.administrator;
    return ['--url', `mysql://${user}:hidden@${host}:${port}/${database}`, '--expendable'];
  }

  const project = { ...SMALL_PROJECT, ...scenario({}) };

  for (const trouble of onExternal)
    test(`${trouble.what}: one clear message, exit code ${trouble.exitCode}, nothing left behind`, async () => {
      await runTrouble(project, { ...trouble, args: await external() });
    });

  test('a user without the right to make users: one clear message, exit code 3', async () => {
    await runTrouble(project, {
      what: 'a user without CREATE USER',
      args: await external(['all on DATABASE']),
      exitCode: 3,
      says: [/user "weak_\d+" cannot create the user "rehearse_load"/, 'Give it CREATE USER'],
      recorded: endedInProvision,
    });
  });

  test('a user without the privileges of the observers: each is named, and what it costs is not green', async () => {
    await runTrouble(project, {
      what: 'a user without PROCESS and performance_schema',
      args: await external(['all on DATABASE', 'create user on *.*']),
      exitCode: 3,
      says: [],
      recorded: (recording, judgement) => {
        expect(reasons(recording)).toMatch(
          /may not read the performance schema: grant select, update on performance_schema\.\*/,
        );
        expect(reasons(recording)).toMatch(/may not read InnoDB's views: grant process on \*\.\*/);
        expect(recording.steps).toMatchObject([{ outcome: 'applied' }]);
        lockWaitIsOpen(judgement);
      },
    });
  });

  test('a server of another flavor than said: one clear message, exit code 2', async () => {
    const [, url = ''] = await external();
    await runTrouble(project, {
      what: 'a MySQL that is said to be MariaDB',
      args: ['--engine', 'mariadb', '--url', url.replace('mysql:', 'mariadb:'), '--expendable'],
      exitCode: 2,
      says: [/the server says that it is "9\.7\.[^"]*", which is mysql, but database\.engine says "mariadb"/],
    });
  });

  for (const trouble of onContainers)
    test(`${trouble.what}: exit code ${trouble.exitCode}, nothing left behind`, async () => {
      await runTrouble(project, trouble);
    });

  for (const interruption of interruptions) {
    const { signal, moment } = interruption;
    test(`${signal} ${moment}: the recording is kept, the server is gone, exit 130`, async () => {
      await runInterrupted(project, interruption);
    });
  }
});
