/**
 * `npm run truth [-- --engine postgres:17] [--rows FILE] [--json FILE] [--only ID]`: replays statements of which real servers
 * showed what they do (bench/truth/*.json) through the probe of a rehearsal, and prints a table of versions and statements
 * with each field that differs.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EnvironmentError, exitCodeOf, explain, InterruptedError, UsageError } from '../src/errors.ts';
import { type ServerSpec, serverSpec } from '../tests/server.ts';
import { readTruthRows, type TruthForm, type TruthRow } from './truth/form.ts';
import { mysqlForm } from './truth/mysql.ts';
import { postgresForm } from './truth/postgres.ts';
import { type Outcome, replay } from './truth/replay.ts';

const forms: readonly {
  readonly form: TruthForm;
  readonly file: string;
  readonly servers: readonly string[];
}[] = [
  {
    form: postgresForm,
    file: 'postgres.json',
    servers: ['18', '17', '16', '15', '14', '13', '12', '11', '10'].map((major) => `postgres:${major}`),
  },
  { form: mysqlForm, file: 'mysql.json', servers: ['mysql:9.7', 'mariadb:11.8', 'mariadb:10.11'] },
];

const USAGE = `npm run truth -- [OPTION...]

  --engine ENGINE   server, as postgres:17, mysql:9.7 or mariadb:11.8; several with commas, or repeated
                    (default ${forms.flatMap(({ servers }) => servers).join(', ')})
  --rows FILE       rows to replay instead of those in bench/truth
  --only ID         only rows with this id; repeatable
  --json FILE       writes { rows, equal, differing: [{ id, engine, version, field, expected, measured }], notMeasured }

  exit code: 0 all fields equal, 1 some differ, 2 wrong usage, 3 something could not be measured
`;

interface Ran {
  readonly spec: ServerSpec;
  readonly version: string;
  readonly outcomes: readonly Outcome[];
  /** Set where the server could not be had. */
  readonly missing: string | null;
}

const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort(new InterruptedError('SIGINT')));
try {
  process.exitCode = await main(process.argv.slice(2), interruption.signal);
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { help, engine, rows: file, only, json } = optionsOf(args);
  if (help === true) {
    print(USAGE);
    return 0;
  }
  const names = engine?.flatMap((value) => value.split(',')) ?? forms.flatMap(({ servers }) => servers);
  const ran: Ran[] = [];
  for (const spec of names.map(specOf)) {
    const known = forms.find(({ form }) => form.engine === spec.engine.name);
    if (known === undefined)
      throw new UsageError(`--engine ${spec.name}: there is no truth about this engine`);
    const rows = await readTruthRows(file ?? fileURLToPath(new URL(`truth/${known.file}`, import.meta.url)));
    ran.push(await runOn(spec, known.form, chosen(rows, only), signal));
  }
  report(ran);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(resultOf(ran), null, 2)}\n`);
  return exitCode(ran);
}

function optionsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        engine: { type: 'string', multiple: true },
        rows: { type: 'string' },
        only: { type: 'string', multiple: true },
        json: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`, { cause });
  }
}

function specOf(name: string): ServerSpec {
  try {
    return serverSpec(name);
  } catch {
    throw new UsageError(`--engine ${name}: write one such as "postgres:17", "mysql:9.7" or "mariadb:11.8"`);
  }
}

function chosen(rows: readonly TruthRow[], only: readonly string[] | undefined): readonly TruthRow[] {
  if (only === undefined) return rows;
  const unknown = only.filter((id) => !rows.some((row) => row.id === id));
  if (unknown.length > 0) throw new UsageError(`--only ${unknown[0]}: there is no row with this id`);
  return rows.filter(({ id }) => only.includes(id));
}

async function runOn(
  spec: ServerSpec,
  form: TruthForm,
  rows: readonly TruthRow[],
  signal: AbortSignal,
): Promise<Ran> {
  const startedAtMs = performance.now();
  let done = 0;
  const onOutcome = ({ row, how }: Outcome): void => {
    done += 1;
    process.stderr.write(`  ${spec.name}: ${done} of ${rows.length} at most: ${row.id} ${how}\n`);
  };
  try {
    const { version, outcomes } = await replay({ spec, form, rows, onOutcome, signal });
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
    print(`${spec.name} (${version}): ${summary(outcomes)} in ${seconds} s`);
    return { spec, version, outcomes, missing: null };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof EnvironmentError)) throw error;
    print(`${spec.name}: not measured: ${explain(error)}`);
    return { spec, version: spec.version, outcomes: [], missing: explain(error) };
  }
}

function summary(outcomes: readonly Outcome[]): string {
  const compared = outcomes.filter(({ how }) => how !== 'left out');
  const equal = compared.filter(isEqual).length;
  const failed = compared.filter(({ how }) => how === 'not measured').length;
  return `${compared.length} rows, ${equal} equal, ${compared.length - equal - failed} differing, ${failed} not measured`;
}

function isEqual(outcome: Outcome): boolean {
  return outcome.how === 'compared' && outcome.differing.length === 0;
}

/** A line for each statement, a column for each server; then every field that differs. */
function report(ran: readonly Ran[]): void {
  const ids = [...new Set(ran.flatMap(({ outcomes }) => outcomes.map(({ row }) => row.id)))];
  const width = Math.max(9, ...ids.map(({ length }) => length));
  const columns = ran.map(({ spec, version }) => `${spec.flavor} ${version}`);
  print(`\n${'statement'.padEnd(width)}  ${columns.join('  ')}`);
  for (const id of ids) {
    const cells = ran.map(({ outcomes }, index) => cellOf(outcomes, id).padEnd(columns[index]?.length ?? 0));
    print(`${id.padEnd(width)}  ${cells.join('  ')}`.trimEnd());
  }
  print(
    '\n= equal   a number: fields that differ   ? not measured   empty: the row is about other versions\n',
  );
  for (const { spec, version, outcomes, missing } of ran) {
    if (missing !== null) print(`${spec.name}: not measured: ${missing}`);
    for (const outcome of outcomes)
      for (const line of linesOf(outcome)) print(`${spec.flavor} ${version}: ${line}`);
  }
}

/** Rows of one id follow each other over the versions; one of them is about this server. */
function cellOf(outcomes: readonly Outcome[], id: string): string {
  const found = outcomes.find(({ row, how }) => row.id === id && how !== 'left out');
  if (found === undefined || found.how === 'left out') return '';
  if (found.how === 'not measured') return '?';
  return found.differing.length === 0 ? '=' : String(found.differing.length);
}

function linesOf(outcome: Outcome): readonly string[] {
  if (outcome.how === 'not measured') return [`${outcome.row.id}: not measured: ${outcome.reason}`];
  if (outcome.how === 'left out') return [];
  return outcome.differing.map(
    ({ field, expected, measured }) =>
      `${outcome.row.id}: ${field}: expected ${JSON.stringify(expected)}, measured ${JSON.stringify(measured)}`,
  );
}

function resultOf(ran: readonly Ran[]) {
  const all = ran.flatMap(({ spec, version, outcomes }) =>
    outcomes.map((outcome) => ({ outcome, where: { engine: spec.flavor, version } })),
  );
  return {
    rows: all.filter(({ outcome }) => outcome.how !== 'left out').length,
    equal: all.filter(({ outcome }) => isEqual(outcome)).length,
    differing: all.flatMap(({ outcome, where }) =>
      outcome.how === 'compared'
        ? outcome.differing.map((difference) => ({ id: outcome.row.id, ...where, ...difference }))
        : [],
    ),
    notMeasured: [
      ...ran.flatMap(({ spec, version, missing }) =>
        missing === null ? [] : [{ id: null, engine: spec.flavor, version, reason: missing }],
      ),
      ...all.flatMap(({ outcome, where }) =>
        outcome.how === 'not measured' ? [{ id: outcome.row.id, ...where, reason: outcome.reason }] : [],
      ),
    ],
  };
}

/** Nothing compared is nothing measured. */
function exitCode(ran: readonly Ran[]): number {
  const { rows, differing, notMeasured } = resultOf(ran);
  if (differing.length > 0) return 1;
  return notMeasured.length > 0 || rows === 0 ? 3 : 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
