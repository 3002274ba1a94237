/** Dumps of pg_dump: archives go through pg_restore, SQL text through psql. */
import type { ConnectionTarget, Session } from '../../connections.ts';
import type {
  Dump,
  DumpFacts,
  DumpFile,
  Dumps,
  OpenedDump,
  RestoreRequest,
  RestoreStep,
  StreamedDump,
} from '../../dumps.ts';
import type { Command } from '../../recipe.ts';
import { dialect } from '../text/dialect.ts';
import { type ArchiveHead, readArchiveHead } from './archive-head.ts';
import { keyStages, splitKeys } from './archived-keys.ts';
import { filterPlainDump } from './plain-dump.ts';
import { createRole, rolesIn } from './roles.ts';

const DIRECTORY_MARKER = 'toc.dat';

export const dumps: Dumps = {
  kinds: 'Archives of pg_dump (custom, directory, tar) and its SQL text',
  markers: [DIRECTORY_MARKER],
  programFolders: [
    '/usr/lib/postgresql/*/bin',
    '/usr/pgsql-*/bin',
    '/opt/homebrew/opt/libpq/bin',
    '/opt/homebrew/opt/postgresql@*/bin',
    '/usr/local/opt/libpq/bin',
    '/Applications/Postgres.app/Contents/Versions/*/bin',
  ],
  recognise,
  obstacles,
};

/** Rows of an archive are compressed to about a quarter, and indexes come on top of them. */
const ARCHIVE_GROWTH = 4;
const REMEDY =
  'Install the client programs of Postgres (Debian: postgresql-client, macOS: brew install libpq), or name their folder in data.client.';

function recognise({ entries, head }: DumpFile): Dump | null {
  const isTar = head.subarray(0, DIRECTORY_MARKER.length + 1).equals(Buffer.from(`${DIRECTORY_MARKER}\0`));
  const archive = readArchiveHead(isTar ? head.subarray(TAR_BLOCK) : head);
  if (archive !== null) return archiveOf(archive, isTar ? 'tar' : formatOf(archive, entries), entries);
  if (entries !== null) return null;
  return plainOf(head);
}

const TAR_BLOCK = 512;

/** The table of contents of a directory calls itself a tar archive. */
function formatOf(archive: ArchiveHead, entries: DumpFile['entries']): string {
  return entries === null ? archive.format : 'directory';
}

function archiveOf(head: ArchiveHead, format: string, entries: DumpFile['entries']): OpenedDump {
  const { version, serverVersion, dumpVersion } = head;
  const of = serverVersion === null ? '' : ` of Postgres ${firstWord(serverVersion)}`;
  return {
    reads: 'path',
    rewriting: null,
    description: `a ${format} archive (${version})${of}`,
    facts: { serverVersion, extensions: [] },
    programs: ['pg_restore'],
    remedy: REMEDY,
    growth: format === 'tar' ? 1 : ARCHIVE_GROWTH,
    contents: {
      command: (program, path) => command(program, ['--list', path], null),
      facts: (listing) => ({
        serverVersion: /^;\s+Dumped from database version: (.+)$/m.exec(listing)?.[1] ?? serverVersion,
        extensions: [...listing.matchAll(/^\d+; \d+ \d+ EXTENSION - (\S+)/gm)].map(([, name = '']) => name),
      }),
    },
    roles: {
      command: (program, path) => command(program, ['--schema-only', '--file=-', path], null),
      create: (sql) =>
        [...new Set(dialect.split(sql).flatMap(({ text }) => rolesIn(`${text};`)))].map(createRole),
    },
    keys: {
      split: splitKeys,
      command: (program, path, list) =>
        command(program, ['--section=post-data', '--no-owner', `--use-list=${list}`, '--file=-', path], null),
      stages: keyStages,
    },
    steps: (request) => steps(request, { parallel: format !== 'tar', weigh: weigher(entries) }),
    adviceFor: (output) =>
      /unsupported version \(/.test(output)
        ? `pg_restore is older than the archive: it was made by pg_dump ${firstWord(dumpVersion ?? '?')}. ` +
          'Install client programs at least as new, and name their folder in data.client.'
        : adviceFor(output),
  };
}

/** Items of the section "rows" by their files: `3412.dat.gz` holds the rows of item 3412. */
function weigher(entries: DumpFile['entries']): (item: string) => number {
  if (entries === null) return () => 1;
  const sizes = new Map([...entries].map(([name, bytes]) => [/^(\d+)\.dat/.exec(name)?.[1] ?? '', bytes]));
  return (item) => sizes.get(item) ?? 0;
}

interface Manner {
  readonly parallel: boolean;
  readonly weigh: (item: string) => number;
}

/** Rows first and their indexes after them, so that progress can be told for each; both in parallel. */
function steps(
  { program, path, target, jobs, listing, list }: RestoreRequest,
  manner: Manner,
): readonly RestoreStep[] {
  const items = [...listing.matchAll(/^(\d+); \d+ \d+ (.+)$/gm)];
  const rows = items.filter(([, , text = '']) => text.startsWith('TABLE DATA'));
  const keys = items.filter(
    ([, , text = '']) => POST_DATA.test(text) && (list === null || !text.startsWith('FK ')),
  );
  const restore = (section: string): Command =>
    command(
      program,
      [
        `--section=${section}`,
        '--no-owner',
        '--no-privileges',
        '--no-tablespaces',
        '--no-subscriptions',
        '--exit-on-error',
        '--verbose',
        ...(list !== null && section === 'post-data' ? [`--use-list=${list}`] : []),
        ...(manner.parallel && section !== 'pre-data' ? [`--jobs=${jobs}`] : []),
        ...destination(target),
        path,
      ],
      target,
    );
  return [
    { title: 'tables', command: restore('pre-data'), input: null, weight: 0, interpret: () => null },
    {
      title: 'rows',
      command: restore('data'),
      input: null,
      weight: rows.reduce((sum, [, item = '']) => sum + manner.weigh(item), 0),
      interpret: (line) => interpret(line, manner.weigh),
    },
    {
      title: 'indexes and keys',
      command: restore('post-data'),
      input: null,
      weight: keys.length,
      interpret: (line) => interpret(line, () => 1),
    },
  ];
}

/** https://github.com/postgres/postgres/blob/master/src/bin/pg_dump/pg_backup_archiver.c (_tocEntryRequired). */
const POST_DATA =
  /^(?:CONSTRAINT|FK CONSTRAINT|CHECK CONSTRAINT|INDEX|INDEX ATTACH|STATISTICS|RULE|TRIGGER|EVENT TRIGGER|MATERIALIZED VIEW DATA|POLICY|ROW SECURITY|PUBLICATION)\b/;

function interpret(line: string, weigh: (item: string) => number): ReturnType<RestoreStep['interpret']> {
  const parallel = /: (launching|finished) item (\d+) (?:TABLE DATA )?(.+)$/.exec(line);
  if (parallel !== null) {
    const [, what, item = '', name = ''] = parallel;
    return { item: name, finished: what === 'finished', weight: weigh(item) };
  }
  // Without parallel jobs only the beginning of an item is told; then the one before it has ended.
  const table = /: processing data for table "(.+)"$/.exec(line)?.[1];
  if (table !== undefined) return { item: table.replace(/^public\./, ''), finished: false, weight: 0 };
  const made = /: creating [A-Z ]+ "(.+)"$/.exec(line)?.[1];
  return made === undefined ? null : { item: made, finished: false, weight: 0 };
}

const PLAIN_HEADER = /^-- PostgreSQL database (?:cluster )?dump\s*$/m;
const PLAIN_STATEMENT = /^(?:copy\s[^;]*\sfrom\s+stdin|create\s+table|insert\s+into|set\s+\w+\s*(?:=|to))/im;

function plainOf(head: Buffer): StreamedDump | null {
  if (head.includes(0)) return null;
  const text = head.toString('latin1');
  if (!PLAIN_HEADER.test(text) && !PLAIN_STATEMENT.test(text)) return null;
  if (/^-- (?:MySQL|MariaDB) dump|^\/\*[!M]/m.test(text)) return null;
  const serverVersion = /^-- Dumped from database version (.+)$/m.exec(text)?.[1] ?? null;
  return {
    reads: 'stream',
    description: `SQL text${serverVersion === null ? '' : ` of Postgres ${firstWord(serverVersion)}`}`,
    facts: {
      serverVersion,
      extensions: [...text.matchAll(/^create extension (?:if not exists )?"?([^\s";]+)/gim)].map(
        ([, name = '']) => name,
      ),
    },
    programs: ['psql'],
    remedy: REMEDY,
    growth: 1.3,
    restore: (program, target) =>
      command(
        program,
        [
          '--no-psqlrc',
          '--quiet',
          '--output=/dev/null',
          '--set=ON_ERROR_STOP=1',
          ...destination(target),
          '--file=-',
        ],
        target,
      ),
    filter: filterPlainDump,
    adviceFor,
  };
}

function destination({ host, port, socket, user, database }: ConnectionTarget): readonly string[] {
  return [
    `--host=${socket ?? host}`,
    `--port=${port}`,
    `--username=${user}`,
    `--dbname=${database}`,
    '--no-password',
  ];
}

/** The password goes through the environment, which other users cannot read. */
function command(program: string, args: readonly string[], target: ConnectionTarget | null): Command {
  const tls = target?.tls ? (target.verifyTls === true ? 'verify-full' : 'require') : 'prefer';
  return {
    program,
    args,
    env:
      target === null
        ? { LC_ALL: 'C' }
        : {
            LC_ALL: 'C',
            PGPASSWORD: target.password,
            PGSSLMODE: tls,
            PGAPPNAME: 'rehearse restore',
            PGOPTIONS: '-c statement_timeout=0 -c lock_timeout=0 -c client_min_messages=warning',
          },
  };
}

function adviceFor(output: string): string | null {
  if (
    /could not read from input file|did not find magic string|input file (?:is too short|appears to be|does not)|unexpected end of file|invalid|corrupt/i.test(
      output,
    )
  )
    return 'The dump is cut short or damaged: make it again, or copy it again.';
  const missing =
    /(?:extension "([^"]+)" is not available|could not open extension control file.*?([^/]+)\.control)/.exec(
      output,
    );
  if (missing !== null)
    return `Install the extension ${missing[1] ?? missing[2]} for the server, or rehearse on one that has it (database.binary, database.image).`;
  return null;
}

async function obstacles(session: Session, facts: DumpFacts): Promise<readonly string[]> {
  const found: string[] = [];
  const [server] = await session.query<{ version: string }>(
    "select current_setting('server_version') as version",
  );
  const [here, there] = [majorOf(server?.version ?? ''), majorOf(facts.serverVersion ?? '')];
  if (facts.serverVersion !== null && there > here)
    found.push(
      `the dump is of Postgres ${firstWord(facts.serverVersion)}, and the server is Postgres ${firstWord(server?.version ?? '?')}: ` +
        `rehearse on production's version (database.version: "${there}")`,
    );
  const available = await session.query<{ name: string }>(AVAILABLE, [facts.extensions]);
  const names = new Set(available.map(({ name }) => name));
  const lacking = facts.extensions.filter((name) => !names.has(name));
  if (lacking.length > 0)
    found.push(
      `the dump needs ${lacking.length === 1 ? 'the extension' : 'the extensions'} ${lacking.join(', ')}, which the server ` +
        'lacks: install it, or rehearse on a server that has it (database.binary, database.image)',
    );
  return found;
}

/** https://www.postgresql.org/docs/current/view-pg-available-extensions.html */
const AVAILABLE = 'select name::text as name from pg_available_extensions where name = any($1)';

/** 9.6 and 9.5 are different majors; both are older than whatever can be rehearsed on. */
function majorOf(version: string): number {
  return Number.parseInt(version, 10) || 0;
}

function firstWord(version: string): string {
  return version.trim().split(/\s/)[0] ?? version;
}
