/** `rehearse seed`: fills a server and keeps the snapshot only. */
import { seed } from '../seed.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
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
  --scale N              multiplies the rows of the profile
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

REHEARSE_SNAPSHOTS names the folder of the snapshots; "off" keeps and uses none. Default: below the cache folder.

Examples:
  rehearse seed
  rehearse seed scenarios/orders-tax-rate
  rehearse seed --schema db/schema.sql --migrations db/migrations --rows 50M`;

export const seedCommand: Command = {
  name: 'seed',
  summary: 'fill the tables and keep a snapshot, which later runs fork instead of filling',
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('seed', args, scenarioOptions);
    for (const { plan, found } of await planScenarios(values, positionals, io)) {
      using progress = drawProgress(io.stderr, `seeding ${plan.name}`);
      for (const sentence of found) progress.say('provision', sentence);
      const { key, made, filling } = await seed(plan, { progress, signal: io.signal });
      progress[Symbol.dispose]();
      const rows = filling.reduce((sum, table) => sum + table.rows, 0);
      io.stdout.write(
        `${plan.name}: snapshot ${key} ${made ? 'kept' : 'is there'}, ${rows} rows in ${filling.length} tables\n`,
      );
    }
    return 0;
  },
};
