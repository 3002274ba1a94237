/** Dumps of MySQL and MariaDB: SQL text goes through the client, folders of MySQL Shell and mydumper through their loaders. */
import { UsageError } from '../../../errors.ts';
import type { ConnectionTarget, Session } from '../../connections.ts';
import type { Dump, DumpFacts, DumpFile, Dumps, OpenedDump, RestoreStep, StreamedDump } from '../../dumps.ts';
import type { Command } from '../../recipe.ts';
import { serverKind } from '../server/server-kind.ts';
import { DEFINERS_REPLACED, filterPlainDump, withoutDefiner } from './plain-dump.ts';

const SHELL_MARKER = '@.json';
const MYDUMPER_MARKER = 'metadata';

export const dumps: Dumps = {
  kinds: 'SQL text of mysqldump or mariadb-dump, and folders of MySQL Shell or mydumper,',
  markers: [SHELL_MARKER, MYDUMPER_MARKER],
  programFolders: [
    '/usr/local/mysql/bin',
    '/opt/homebrew/opt/mysql-client/bin',
    '/opt/homebrew/opt/mariadb/bin',
  ],
  recognise,
  obstacles,
};

function recognise({ entries, head }: DumpFile): Dump | null {
  if (entries === null) return plainOf(head);
  if (entries.has(SHELL_MARKER)) return shellOf(head, entries);
  if (entries.has(MYDUMPER_MARKER)) return mydumperOf(head, entries);
  return null;
}

const HEADER = /^-- (?:MySQL|MariaDB) dump/m;
const STATEMENT = /^(?:\/\*!\d{5} |create\s+table\s+`|insert\s+into\s+`|drop\s+table\s+if\s+exists\s+`)/im;

function plainOf(head: Buffer): StreamedDump | null {
  const text = head.toString('latin1');
  if (!HEADER.test(text) && (head.includes(0) || !STATEMENT.test(text))) return null;
  if (/^-- PostgreSQL database/m.test(text)) return null;
  const serverVersion = /^-- Server version\s+(\S+)/m.exec(text)?.[1] ?? null;
  return {
    reads: 'stream',
    description: `SQL text${serverVersion === null ? '' : ` of ${nameOf(serverVersion)}`}`,
    facts: { serverVersion, extensions: [] },
    programs: ['mariadb', 'mysql'],
    remedy:
      'Install a client (Debian: mariadb-client or mysql-client, macOS: brew install mysql-client), or name its folder in data.client.',
    growth: 1.5,
    restore: (program, target) => command(program, [...CLIENT, target.database], target),
    filter: filterPlainDump,
    adviceFor,
  };
}

/** `loose` options are ignored by a client that does not have them. */
const CLIENT = [
  '--batch',
  // Data may hold any byte, and nothing in a dump is a command of the client.
  '--binary-mode',
  '--default-character-set=utf8mb4',
  '--max-allowed-packet=1G',
  '--loose-skip-ssl-verify-server-cert',
  '--loose-get-server-public-key',
];

function command(program: string, args: readonly string[], target: ConnectionTarget): Command {
  const { host, port, socket, user, password } = target;
  const where =
    socket === null ? ['--protocol=tcp', `--host=${host}`, `--port=${port}`] : [`--socket=${socket}`];
  return {
    program,
    args: ['--no-defaults', ...where, `--user=${user}`, ...args],
    env: { MYSQL_PWD: password, LC_ALL: 'C' },
  };
}

/** https://dev.mysql.com/doc/mysql-shell/en/mysql-shell-utilities-load-dump.html; `@.done.json` is written last. */
function shellOf(head: Buffer, entries: ReadonlyMap<string, number>): OpenedDump {
  if (!entries.has('@.done.json'))
    throw new UsageError(
      'the dump of MySQL Shell is not complete: it has no "@.done.json". Make it again, or copy it again.',
    );
  const facts = JSON.parse(head.toString('utf8')) as { serverVersion?: string; dumper?: string };
  return {
    ...folder,
    description: `a dump of MySQL Shell${facts.serverVersion === undefined ? '' : ` of ${nameOf(facts.serverVersion)}`}`,
    facts: { serverVersion: facts.serverVersion ?? null, extensions: [] },
    programs: ['mysqlsh'],
    remedy:
      'Install MySQL Shell (mysqlsh), or name its folder in data.client; or make the dump with mysqldump.',
    steps: ({ program, path, target, jobs }) => {
      const { host, port, socket, user, password, database } = target;
      const options = {
        schema: database,
        threads: jobs,
        skipBinlog: true,
        loadUsers: false,
        ignoreVersion: false,
        resetProgress: true,
        progressFile: '',
        showProgress: false,
      };
      const where = socket === null ? [`--host=${host}`, `--port=${port}`] : [`--socket=${socket}`];
      const script = `util.loadDump(${JSON.stringify(path)}, ${JSON.stringify(options)})`;
      return [
        {
          title: 'tables and rows',
          command: {
            program,
            args: [
              '--no-defaults',
              '--js',
              ...where,
              `--user=${user}`,
              '--passwords-from-stdin',
              '--execute',
              script,
            ],
            env: { LC_ALL: 'C', MYSQLSH_TERM_COLOR_MODE: 'nocolor' },
          },
          input: `${password}\n`,
          weight: 0,
          interpret: nothing,
        },
      ];
    },
  };
}

function nothing(): null {
  return null;
}

/** Indexes are made after the rows by both loaders; rows of a folder are compressed to about a quarter. */
const folder = {
  reads: 'path',
  growth: 4,
  contents: null,
  roles: null,
  keys: null,
  rewriting: null,
  adviceFor,
} as const;

/** Views, triggers, routines and events have files of their own, each statement on lines of its own. */
const DEFINERS = {
  concerns: (name: string) => /-schema-(?:view|triggers|post)\.sql(?:\.gz|\.zst)?$/.test(name),
  rewritten: (text: string) => text.split('\n').map(withoutDefiner).join('\n'),
  note: DEFINERS_REPLACED,
};

/** https://github.com/mydumper/mydumper: the metadata say when the dump was finished. */
function mydumperOf(head: Buffer, entries: ReadonlyMap<string, number>): OpenedDump {
  const text = head.toString('utf8');
  if (!/^(?:# )?Finished dump at/m.test(text))
    throw new UsageError(
      'the dump of mydumper is not complete: its "metadata" do not say "Finished dump at". Make it again, or copy it again.',
    );
  const rows = new Map(
    [...entries].filter(([name]) => /\.\d+\.(?:sql|dat)/.test(name) || /^[^.]+\.[^.]+\.sql/.test(name)),
  );
  const serverVersion = /server_version\s*=\s*"?([^"\s]+)/.exec(text)?.[1] ?? null;
  return {
    ...folder,
    rewriting: DEFINERS,
    description: `a dump of mydumper${serverVersion === null ? '' : ` of ${nameOf(serverVersion)}`}`,
    facts: { serverVersion, extensions: [] },
    programs: ['myloader'],
    remedy: 'Install mydumper, which brings myloader (Debian: mydumper), or name its folder in data.client.',
    steps: ({ program, path, target, jobs }) => [
      {
        title: 'tables and rows',
        command: {
          program,
          args: [
            ...(target.socket === null
              ? [`--host=${target.host}`, `--port=${target.port}`]
              : [`--socket=${target.socket}`]),
            `--user=${target.user}`,
            `--directory=${path}`,
            `--database=${target.database}`,
            `--threads=${jobs}`,
            '--overwrite-tables',
            '--verbose=3',
          ],
          env: { MYSQL_PWD: target.password, LC_ALL: 'C' },
        },
        input: null,
        weight: [...rows.values()].reduce((sum, bytes) => sum + bytes, 0),
        interpret: (line) => interpretLoader(line, rows),
      },
    ],
  };
}

/** Told when a file is begun; its name follows from the table and the number of the part. */
function interpretLoader(
  line: string,
  files: ReadonlyMap<string, number>,
): ReturnType<RestoreStep['interpret']> {
  const [, database = '', table, part = ''] = /restoring `([^`]+)`\.`([^`]+)` part (\d+)/i.exec(line) ?? [];
  if (table === undefined) return null;
  const names = [`${database}.${table}.${part.padStart(5, '0')}.sql`, `${database}.${table}.sql`];
  const file = [...files].find(([name]) => names.some((each) => name.startsWith(each)));
  return { item: table, finished: true, weight: file?.[1] ?? 0 };
}

function adviceFor(output: string): string | null {
  if (/Unknown collation|Unknown character set/i.test(output))
    return 'The dump is of a server with other collations: rehearse on the flavor and version that production has (database.engine, database.version).';
  if (/corresponds to your (?:MariaDB|MySQL) server version/i.test(output))
    return 'The server does not understand this statement: the dump is damaged, or of another flavor or version (database.engine, database.version).';
  return null;
}

async function obstacles(session: Session, { serverVersion }: DumpFacts): Promise<readonly string[]> {
  if (serverVersion === null) return [];
  const { flavor } = await serverKind(session);
  const [server] = await session.query<{ version: string }>('select version() as version');
  const here = server?.version ?? '';
  const dumped = flavorOf(serverVersion);
  const advice = `rehearse on production's (database.engine: ${dumped}, database.version: "${releaseOf(serverVersion)}")`;
  if (dumped !== flavor)
    return [`the dump is of ${nameOf(serverVersion)}, and the server is ${nameOf(here)}: ${advice}`];
  if (compare(releaseOf(serverVersion), releaseOf(here)) <= 0) return [];
  return [
    `the dump is of ${nameOf(serverVersion)}, and the server is ${nameOf(here)}, which is older: ${advice}`,
  ];
}

function flavorOf(version: string): string {
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
}

function nameOf(version: string): string {
  return `${/mariadb/i.test(version) ? 'MariaDB' : 'MySQL'} ${/[\d.]+/.exec(version)?.[0] ?? version}`;
}

/** The first two numbers tell what a server understands. */
function releaseOf(version: string): string {
  return /\d+\.\d+/.exec(version)?.[0] ?? version;
}

function compare(one: string, other: string): number {
  const [a = [], b = []] = [one, other].map((each) => each.split('.').map(Number));
  return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0);
}
