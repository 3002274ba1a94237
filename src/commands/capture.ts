/** `rehearse capture`: reads what production looks like, read-only and without a row of its data. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CapturedFacts } from '../engines/engine.ts';
import { engines } from '../engines/index.ts';
import { UsageError } from '../errors.ts';
import { PROFILE_VERSION, type Profile } from '../profile/profile.ts';
import { profileText, writeProfile } from '../profile/write.ts';
import { bytes, count, counted, instant } from '../reporters/format.ts';
import { parseDuration } from '../scenario/units.ts';
import { harnessVersion } from '../version.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandIo } from './command.ts';

const DEFAULT_FILE = 'production.json';
const DEFAULT_TIMEOUT = '30s';
const STDOUT = '-';
/** More lines than these only hide the first one. */
const MOST_MISSING = 20;

const grants = engines
  .flatMap(({ flavors, capture }) =>
    capture === undefined ? [] : [`${flavors.join(', ')}:`, ...capture.grants.map((line) => `  ${line}`)],
  )
  .map((line) => `  ${line}`.trimEnd())
  .join('\n');

const help = `rehearse capture --url URL [OPTIONS]

Reads what a production database looks like and writes it to a file, from which a rehearsal is filled alike (data.profile):
the schema as DDL, rows and bytes of tables and indexes, bloat, and for each column its share of nulls, number of different
values, width, order on disk and how often its most common values occur; fan-out of foreign keys, settings, and the mix of
statements that ran, with their values replaced.

Privacy: without --values no value of a row leaves the database: only counts, shares, widths, and the schema itself (with
the defaults, conditions, bounds of partitions and bodies of functions that stand in it). With --values the most common values and the bounds of histograms are in the
file: those ARE production's data. Either way the file is readable by you alone (mode 0600).

It changes nothing: one read-only transaction, with a limit on each statement, on waiting for locks and on idling. Nothing
is counted, scanned or analysed; what the server does not know by itself is named as missing, with the statement that would
let it know. A standby will do.

  --url URL              the database; \${NAME} in it is taken from the environment, so that no password is in the
                         shell's history: --url '\${DATABASE_URL}'
  --out FILE             where to write; default ${DEFAULT_FILE}; "-" is stdout
  --schema NAME          only this schema, repeatable; default: all but the server's own
  --values               with values of rows: see above
  --statement-timeout T  no statement of the capture takes longer; default ${DEFAULT_TIMEOUT}
  --no-statements        without the mix of statements

The rights it needs:

${grants}

Examples:
  rehearse capture --url '\${PRODUCTION_URL}'
  rehearse capture --url '\${REPLICA_URL}' --schema app --schema billing --out profiles/app.json
  rehearse capture --url '\${PRODUCTION_URL}' --out - | jq '.tables[] | {name, rows, tableBytes}'`;

const options = {
  url: { type: 'string' },
  out: { type: 'string' },
  schema: { type: 'string', multiple: true },
  values: { type: 'boolean' },
  'statement-timeout': { type: 'string' },
  statements: { type: 'boolean' },
} as const;

export const capture: Command = {
  name: 'capture',
  summary: 'read what production looks like into a profile, read-only, without a row of its data',
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('capture', args, options);
    if (positionals.length > 0)
      throw new UsageError(
        `rehearse capture takes no argument, but there is "${positionals[0]}". See rehearse capture --help.`,
      );
    const url = expandedUrl(values.url, io);
    const timeout = parseDuration(values['statement-timeout'] ?? DEFAULT_TIMEOUT);
    if ('problem' in timeout) throw new UsageError(`--statement-timeout: ${timeout.problem}`);
    if (timeout.value === 0)
      throw new UsageError('--statement-timeout 0 would be no limit: write one, such as 5m');
    const out = values.out ?? DEFAULT_FILE;
    if (out !== STDOUT) await refuseClosed(dirname(resolve(io.cwd, out)));
    const engine = engineOf(url);
    const target = engine.connections.parseUrl(url);
    io.stderr.write(
      `capturing database ${target.database} at ${target.socket ?? `${target.host}:${target.port}`}\n`,
    );
    const facts = await engine.capture.read({
      target,
      schemas: values.schema ?? [],
      values: values.values ?? false,
      statements: values.statements ?? true,
      statementTimeoutMs: timeout.value,
      say: (message) => void io.stderr.write(`  ${message}\n`),
      signal: io.signal,
    });
    const profile = profileOf(facts);
    if (out === STDOUT) io.stdout.write(profileText(profile));
    else await writeProfile(resolve(io.cwd, out), profile);
    const where = out === STDOUT ? 'written to stdout' : `wrote ${out}, readable by you alone`;
    io.stderr.write(`${where}: ${summaryOf(profile, values.values ?? false)}`);
    return 0;
  },
};

/** With each `${NAME}` from the environment; the URL itself is never part of a message. */
function expandedUrl(written: string | undefined, { env }: CommandIo): string {
  if (written === undefined)
    throw new UsageError(
      `--url is missing: name the database, such as --url '\${DATABASE_URL}'. See rehearse capture --help.`,
    );
  const unset = [...written.matchAll(/\$\{([^}]*)\}/g)]
    .map(([, name = '']) => name)
    .filter((name) => !env[name]);
  if (unset.length > 0)
    throw new UsageError(
      `--url: the environment has no ${unset.join(', ')}: set it, or write the URL without it`,
    );
  return written.replace(/\$\{([^}]*)\}/g, (_, name: string) => env[name] ?? '');
}

function engineOf(url: string) {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  const flavors = engines.flatMap((engine) => engine.flavors);
  if (scheme === undefined)
    throw new UsageError(
      `--url is not a URL: write SCHEME://USER:PASSWORD@HOST:PORT/DATABASE, the scheme one of ${flavors.join(', ')}`,
    );
  const engine = engines.find((each) => each.flavors.some((flavor) => scheme.startsWith(flavor)));
  if (engine?.capture === undefined)
    throw new UsageError(
      `--url: "${scheme}://" is no engine that is known: write one of ${flavors.join(', ')}`,
    );
  return { connections: engine.connections, capture: engine.capture };
}

function profileOf(facts: CapturedFacts): Profile {
  return {
    version: PROFILE_VERSION,
    harnessVersion: harnessVersion(),
    capturedAt: new Date().toISOString(),
    ...facts,
  };
}

/** Before production is read, not after. */
async function refuseClosed(folder: string): Promise<void> {
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new UsageError(`--out: "${folder}" is no folder that can be written to: make it, or name another`, {
      cause: error,
    });
  });
}

/** What is in the file, then what is not and why. */
function summaryOf({ tables, statements, statementsSince, missing }: Profile, withValues: boolean): string {
  const total = (of: (table: Profile['tables'][number]) => number) =>
    tables.reduce((sum, table) => sum + of(table), 0);
  const indexBytes = total(({ indexes }) => indexes.reduce((sum, index) => sum + index.bytes, 0));
  const since = statementsSince === null ? '' : ` since ${instant(statementsSince)}`;
  const facts = [
    counted(tables.length, 'table'),
    `${count(total(({ rows }) => rows))} rows`,
    `${bytes(total((table) => table.tableBytes + table.toastBytes))} of tables`,
    `${bytes(indexBytes)} of indexes`,
    `${counted(statements.length, 'statement')}${since}`,
  ];
  const privacy = withValues ? "with values of production's rows" : 'without a value of a row';
  const shown = missing.slice(0, MOST_MISSING).map(({ what, reason }) => `  ${what}: ${reason}`);
  const more = missing.length - shown.length;
  return [
    `${facts.join(', ')}; ${privacy}`,
    ...(missing.length === 0 ? [] : ['not captured, or less well:', ...shown]),
    ...(more > 0 ? [`  and ${more} more: see "missing" in the profile`] : []),
    '',
  ].join('\n');
}
