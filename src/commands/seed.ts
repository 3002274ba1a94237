/** `rehearse seed`: fills a server and keeps the snapshot only; proves with --verify that the rows are as the profile says. */
import { constants } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { seed } from '../seed.ts';
import { type Comparison, renderVerification, TOLERANCES } from '../verify/index.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandIo } from './command.ts';
import { drawProgress } from './progress.ts';
import { planScenarios, scenarioOptions } from './scenario-options.ts';

const help = `rehearse seed [SCENARIO...] [OPTIONS]

Starts a server, applies the schema and the released migrations, fills the tables, lets the server settle, and keeps its
data directory as a snapshot. Every "rehearse run" with the same rows then forks it instead of filling. Nothing is
rehearsed. When the snapshot is there already, nothing is done.

A snapshot fits as long as nothing that determines the rows has changed: schema, released migrations, tables and columns,
volume, profile, dump, random seed, wear, the server's build, settings that change what is stored, and rehearse itself.
The pending migrations, the load, the budgets and settings such as shared_buffers may change.

"rehearse run" keeps snapshots by itself when filling took more than 10 s, at most 20 GiB of them, and not where CI is
set; what "rehearse seed" keeps stays until "rehearse snapshots remove" or "prune" removes it.

  --schema FILE          SQL file with the schema before the pending migrations
  --restore FILE         dump of production, restored instead of generating rows
  --profile FILE         profile of production from "rehearse capture"
  --scale N              multiplies the rows of the profile, or keeps a share of the dump's (0.1)
  --migrations DIR       the migrations
  --released VERSION     last version that production has, when the ledger in the schema does not tell
  --tool NAME            dbmate, golang-migrate, flyway, prisma, drizzle or sql; found by its files when left out
  --rows N               rows of the largest table (200k, 5M); the others follow from the foreign keys
  --random-seed N        the same seed gives the same rows
  --engine NAME          postgres, mysql or mariadb, or with a version: postgres:17
  --server-version V     major version, as production runs it
  --provision NAME       embedded or container; default: the first that can be used here
  --image IMAGE          container image
  --binary DIR           folder with the server's own programs, for embedded
  --verify               with a profile: reads the statistics of the filled server as "rehearse capture" reads production's
                         and prints what is out of tolerance, wanted and got; exit 1 when something is
  --verbose              with --verify: every figure
  --json FILE            with --verify: every figure as JSON; "-" is stdout

REHEARSE_SNAPSHOTS names the folder of the snapshots; "off" keeps and uses none. Default: below the cache folder.

Examples:
  rehearse seed
  rehearse seed scenarios/orders-tax-rate
  rehearse seed --profile production.json --migrations db/migrations --verify
  rehearse seed --schema db/schema.sql --migrations db/migrations --rows 50M`;

const options = {
  ...scenarioOptions,
  verify: { type: 'boolean' },
  verbose: { type: 'boolean' },
  json: { type: 'string' },
} as const;

const WIDTH = 80;

export const seedCommand: Command = {
  name: 'seed',
  summary: 'fill the tables and keep a snapshot, which later runs fork instead of filling',
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('seed', args, options);
    const { verify = false, verbose = false, json, ...scenario } = values;
    if (!verify && (verbose || json !== undefined))
      throw new UsageError(
        `--${verbose ? 'verbose' : 'json'} belongs to --verify: add it, or leave this out.`,
      );
    if (json !== undefined && json !== STDOUT) await refuseClosed(json, io);
    const verified: { readonly scenario: string; readonly comparisons: readonly Comparison[] }[] = [];
    for (const { plan, found } of await planScenarios(scenario, positionals, io)) {
      using progress = drawProgress(io.stderr, `seeding ${plan.name}`);
      for (const sentence of found) progress.say('provision', sentence);
      const { key, made, filling, comparisons } = await seed(plan, { progress, signal: io.signal, verify });
      progress[Symbol.dispose]();
      const rows = filling.reduce((sum, table) => sum + table.rows, 0);
      // With --json - stdout is for the JSON alone.
      const out = json === STDOUT ? io.stderr : io.stdout;
      out.write(
        `${plan.name}: snapshot ${key} ${made ? 'kept' : 'is there'}, ${rows} rows in ${filling.length} tables\n`,
      );
      if (comparisons === null) continue;
      verified.push({ scenario: plan.name, comparisons });
      out.write(renderVerification(comparisons, { verbose, width: WIDTH, dim: (text) => text }));
    }
    if (json !== undefined) await writeJson(json, verified, io);
    return verified.some(({ comparisons }) => comparisons.some(({ verdict }) => verdict === 'outside'))
      ? 1
      : 0;
  },
};

const STDOUT = '-';
const JSON_VERSION = 1;

/** Before anything is filled, not after. */
async function refuseClosed(file: string, { cwd }: CommandIo): Promise<void> {
  await access(dirname(resolve(cwd, file)), constants.W_OK).catch((cause) => {
    throw new UsageError(`--json: "${file}" is in no folder that can be written to: name another.`, {
      cause,
    });
  });
}

async function writeJson(file: string, verified: readonly unknown[], io: CommandIo): Promise<void> {
  const text = `${JSON.stringify({ version: JSON_VERSION, tolerances: TOLERANCES, verified }, null, 2)}\n`;
  if (file === STDOUT) {
    io.stdout.write(text);
    return;
  }
  await writeFile(resolve(io.cwd, file), text);
}
