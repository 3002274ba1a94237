/**
 * The server dies in the middle of the migration: the migration has failed, what was seen until then is kept, what the
 * statement left on the disk is listed, and nothing of ours stays behind.
 */
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import type { Recording } from '../src/recording/recording.ts';
import { containersMissing } from './containers.ts';
import { startedUntil } from './running.ts';
import { createSandbox, type Sandbox, scenarioWith } from './sandbox.ts';
import { eventually } from './server.ts';

/** Without what only one of the engines knows. */
const SCHEMA = `create table customers (id bigint primary key, name varchar(100) not null);
create table orders (
  id bigint primary key,
  customer_id bigint not null,
  total int not null,
  foreign key (customer_id) references customers (id)
);
`;

interface Victim {
  readonly name: string;
  readonly image: string | null;
  readonly database: Readonly<Record<string, string>>;
  /** Copies the table so slowly that it is still at it when the server dies. */
  readonly alter: string;
  readonly code: string;
  readonly left: RegExp;
}

const COPIED_FOR_MS = 1_000;

const SLOW_COPY =
  'alter table orders add column slow varchar(200) default (sha2(repeat(id, 1000000), 512)), algorithm = copy';

const victims: readonly Victim[] = [
  {
    name: 'an embedded Postgres',
    image: null,
    database: { engine: 'postgres', provision: 'embedded' },
    alter: 'alter table orders add column slow text default pg_sleep(0.1)::text',
    code: '08006',
    left: /base\/\d+\/\d+ \(\d+ bytes\)/,
  },
  ...['mysql:9.7', 'mariadb:11.8'].map((image): Victim => {
    const [engine = '', version = ''] = image.split(':');
    return {
      name: image,
      image,
      database: { engine, version, provision: 'container' },
      alter: SLOW_COPY,
      code: '2013',
      left: /rehearsal\/#sql\S+\.ibd \([1-9]\d+ bytes\)/,
    };
  }),
];

for (const victim of victims) {
  const missing = victim.image === null ? null : await containersMissing(victim.image);
  describe.skipIf(missing !== null)(missing ?? victim.name, () => {
    test('a server killed in the middle of an ALTER is a failed migration, with what it left', async () => {
      await using sandbox = await createSandbox({
        'schema.sql': SCHEMA,
        'migrations/1_slow.sql': `${victim.alter};\n`,
        'migrations/2_note.sql': 'alter table orders add column note text;\n',
        'rehearsal.yaml': scenarioWith({
          database: victim.database,
          data: { schema: 'schema.sql', tables: { customers: { rows: 50 }, orders: { rows: 2_000 } } },
          load: { rate: '200/s', pool: { size: 4, checkoutTimeout: '1s' } },
        }),
      });
      const command = await startedUntil(sandbox, ['run', '--report', 'json=-'], /^ {2}baseline/m);
      const server = await (victim.image === null ? embeddedServer(sandbox) : containerOf(command.pid));
      const before = await server.files();
      await command.says(/^ {2}migration +alter table orders add column slow/m);
      await eventually('the new table has a file', async () =>
        (await server.files()).some((file) => !before.includes(file)),
      );
      // By then dozens of writes were due: those on the connections are in flight when it dies.
      await setTimeout(COPIED_FOR_MS);
      await server.kill();
      const { exitCode, stdout, stderr } = await command.ended;

      expect(exitCode, stderr).toBe(1);
      expect(stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
      const { recording } = JSON.parse(stdout) as { recording: Recording };
      const said = JSON.stringify(recording.steps);
      expect(
        recording.steps.map(({ file, outcome }) => [file, outcome]),
        said,
      ).toEqual([
        ['1_slow.sql', 'failed'],
        ['2_note.sql', 'not run'],
      ]);
      expect(recording.steps[0]?.statements, said).toMatchObject([{ outcome: 'failed', effect: 'unknown' }]);
      expect(recording.steps[0]?.error, said).toMatchObject({ code: victim.code });
      expect(recording.ended).toEqual({ how: 'completed' });
      expect(recording.windows.map(({ name }) => name)).toEqual(['baseline', 'migration', 'recovery']);
      const outcomes = 'outcomes' in recording.load ? recording.load.outcomes : [];
      expect(outcomes.map(({ outcome }) => outcome)).toContain('connection lost');
      expect(recording.observers.find(({ name }) => name === 'locks')?.trouble.join('\n')).toContain(
        'no reading from',
      );
      expect(await sandbox.leftBehind(command.pid)).toEqual([]);
      const files = recording.disk;
      if ('notMeasured' in files) throw new Error(files.notMeasured);
      expect(files.logWrittenBytes).toHaveProperty('notMeasured');
      if (files.source.includes('walk')) expect(recording.notes.join('\n')).toMatch(victim.left);
    });
  });
}

/** A server as one sees it from outside. */
interface SeenServer {
  /** Files of tables that hold anything. */
  files(): Promise<readonly string[]>;
  kill(): Promise<void>;
}

async function containerOf(pid: number | undefined): Promise<SeenServer> {
  const filter = `label=rehearse.owner=${pid}@${hostname()}`;
  const { stdout: name } = await execa('docker', ['ps', '--filter', filter, '--format', '{{.Names}}']);
  const find = ['find', '/var/lib/mysql/rehearsal', '-name', '*.ibd', '-size', '+0'];
  return {
    files: async () => (await execa('docker', ['exec', name, ...find])).stdout.split('\n'),
    kill: async () => void (await execa('docker', ['kill', '--signal', 'KILL', name])),
  };
}

/** The server with all its processes, which would otherwise live on for a while. */
async function embeddedServer({ env }: Sandbox): Promise<SeenServer> {
  const folder = env.REHEARSE_TMP ?? '';
  return {
    async files() {
      // A file may go away while it is looked at.
      const { stdout } = await execa(
        'find',
        [folder, '-path', '*/base/*', '-regex', '.*/[0-9]+', '-size', '+0'],
        {
          reject: false,
        },
      );
      return stdout.split('\n');
    },
    async kill() {
      const processes = (await execa('ps', ['-A', '-o', 'pid=,ppid=,args='])).stdout
        .split('\n')
        .map((line) => {
          const [, pid, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
          return { pid: Number(pid), parent: Number(parent), command };
        });
      const main = processes.filter(
        ({ command }) => /bin\/postgres /.test(command) && command.includes(`${folder}/`),
      );
      expect(main).toHaveLength(1);
      const all = processes.filter(({ parent }) => parent === main[0]?.pid);
      // Nobody may see the others die: a child without its parent clears up, a parent that lost a child starts anew.
      for (const { pid } of main) process.kill(pid, 'SIGSTOP');
      for (const { pid } of [...all, ...main]) process.kill(pid, 'SIGKILL');
    },
  };
}
