/** The scenario file that `rehearse init` writes: what was found, and commented keys that are ready to be used. Pure. */
import { relative, sep } from 'node:path';
import type { TableDescription } from '../engines/engine.ts';
import { AUTOMATIC } from '../provisioners/index.ts';
import type { Plan } from '../scenario/plan.ts';

export interface ScenarioFacts {
  readonly plan: Plan;
  /** Folder of the scenario file; its paths are relative to it. */
  readonly directory: string;
  /** The version that is taken where none is written. */
  readonly exampleVersion: string;
  /** Name of the workload file beside it, or null where there is none. */
  readonly workloadFile: string | null;
  /** Null when the project could not be looked at. */
  readonly tables: readonly TableDescription[] | null;
  /** The published JSON schema where an editor can find it beside the project; null elsewhere. */
  readonly jsonSchemaFile: string | null;
}

export function scenarioText({
  plan,
  directory,
  exampleVersion,
  workloadFile,
  tables,
  jsonSchemaFile,
}: ScenarioFacts): string {
  const path = (absolute: string): string => relative(directory, absolute).split(sep).join('/') || '.';
  const { data, migrations, database } = plan;
  const table = quoted(exampleTable(tables));
  const lines: readonly Line[] = [
    ...(jsonSchemaFile === null
      ? []
      : [[`# yaml-language-server: $schema=${path(jsonSchemaFile)}`] as const]),
    ['# What "rehearse run" rehearses. "rehearse run --help" lists what the command line can change.'],
    [`name: ${quoted(plan.name)}`],
    ['database:'],
    [`  engine: ${database.flavor}`],
    database.version === null
      ? [
          `  # version: "${exampleVersion}"`,
          'as production runs it; the newest that can be had here when left out',
        ]
      : [`  version: "${database.version}"`, 'as production runs it'],
    ...(database.provision === AUTOMATIC ? [] : [[`  provision: ${database.provision}`] as const]),
    ['  # settings: { max_connections: 200 }', "production's own server settings"],
    ['data:'],
    data.schemaFile === null
      ? ['  # schema: schema.sql', 'as production has it; without it the released migrations build it']
      : [`  schema: ${quoted(path(data.schemaFile))}`, 'as production has it, before the pending migrations'],
    ['  rows: 1M', 'of the largest table; the others follow from the foreign keys'],
    ['  # tables:', 'or table by table'],
    [`  #   ${table}: { rows: 5M }`],
    ['load:'],
    ['  rate: 100/s', 'operations due per second, whether or not earlier ones have been answered'],
    ['  pool: { size: 20, checkoutTimeout: 5s }', "the application's own"],
    workloadFile === null
      ? ['  # operations: workload.sql', 'derived from the schema when left out']
      : [`  operations: ${workloadFile}`, 'what the application does: make it what yours really does'],
    ['  baseline: 10s', 'load alone, before the migrations'],
    ['  recovery: 10s', 'load alone, after them, at most'],
    ['migrations:'],
    [`  tool: ${migrations.tool}`],
    [`  directory: ${quoted(path(migrations.directory))}`],
    migrations.released === null
      ? ['  # released: "VERSION"', 'last version that production has, where the schema does not tell']
      : [
          `  released: ${quoted(migrations.released)}`,
          'last version that production has: what comes after it is rehearsed',
        ],
    ['  # lockTimeout: 300ms', 'with retries, as production would run it'],
    ['# drills:', 'trouble put in on purpose: a transaction that reads for six seconds'],
    [`#   - longReader: { table: ${table}, at: -1s, for: 6s }`],
    ['budgets:', 'a rehearsal beyond one of them fails; "none" takes one away'],
    ['  lockWait: 500ms', 'longest that any operation queued for a lock'],
    ['  stall: 1s', 'longest time in which nothing was answered'],
    ['  duration: 15m', 'of all pending migrations together'],
    ['  diskGrowthPeak: 2x', 'of the size before'],
    ['  # diskFree: 40GB', 'what is free on the disk of production: does the migration fit?'],
    ['  failedOperations: 0'],
  ];
  return `${lines.map(written).join('\n')}\n`;
}

/** What stands there, and the comment beside it. */
type Line = readonly [string, string?];

/** Comments begin in one column, so that the keys can be read without them. */
const COMMENT_COLUMN = 44;

function written([text, comment]: Line): string {
  return comment === undefined ? text : `${text.padEnd(COMMENT_COLUMN - 2)}  # ${comment}`;
}

/** As YAML: plain where that can be nothing but text, else in quotes. */
function quoted(text: string): string {
  const isPlain =
    /^[A-Za-z][A-Za-z0-9_./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}

/** The table that others would call the large one: the one with the most foreign keys. */
function exampleTable(tables: readonly TableDescription[] | null): string {
  const candidates = (tables ?? []).filter(({ partitioning }) => partitioning !== 'partition');
  const [first] = candidates.toSorted((one, other) => other.foreignKeys.length - one.foreignKeys.length);
  return first?.name ?? 'orders';
}
