/** `rehearse run`: plans, rehearses, keeps the recording, judges it, reports, and holds it against expected.json. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { checks } from '../checks/index.ts';
import { exitCodeOf, explain, UsageError } from '../errors.ts';
import { compareWithExpected, type Expected, parseExpected } from '../expected.ts';
import { judge } from '../judge.ts';
import { RECORDING_FILE, writeRecording } from '../recording/store.ts';
import { rehearse } from '../rehearse.ts';
import { reporters } from '../reporters/index.ts';
import type { Plan } from '../scenario/plan.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandIo } from './command.ts';
import { EXIT_CODES } from './judge.ts';
import { drawProgress } from './progress.ts';
import { type OpenReports, openReports, REPORT_HELP } from './reports.ts';
import { planScenarios, scenarioOptions } from './scenario-options.ts';

const help = `rehearse run [SCENARIO...] [OPTIONS]

Starts a server, fills it, runs the pending migrations while a load goes on, and reports lock waits, duration and disk
growth with a verdict. SCENARIO is a folder with a rehearsal.yaml, or such a file; without one the rehearsal.yaml of
the working directory is used, and with --schema (or --profile) and --migrations none is needed.

  --schema FILE          SQL file with the schema before the pending migrations
  --profile FILE         profile of production from "rehearse capture": its schema, and rows with its statistics
  --scale N              multiplies the rows of the profile, or keeps a share of the dump's (0.1)
  --restore DUMP         in place of --schema: a dump of production with its rows (pg_dump custom, directory or SQL,
                         mysqldump; each also .gz or .zst)
  --migrations DIR       the migrations
  --released VERSION     last version that production has, when the ledger in the schema does not tell
  --tool NAME            dbmate, golang-migrate, flyway, prisma, drizzle or sql; found by its files when left out
  --rows N               rows of the largest table (200k, 5M); the others follow from the foreign keys
  --random-seed N        the same seed gives the same rows and the same load
  --rate N/s             operations due per second (400/s); 0 rehearses without a load
  --lock-timeout TIME    as production runs the migration (300ms), with retries and backoff
  --engine NAME          postgres, mysql or mariadb, or with a version: postgres:17, mariadb:11.8; recognised from the
                         SQL when left out
  --server-version V     major version, as production runs it
  --provision NAME       embedded, container or external; default: the first that can be used here
  --image IMAGE          container image
  --binary DIR           folder with the server's own programs, for embedded
  --url URL              an existing server; only together with --expendable
  --expendable           the database at --url may be changed and filled
  --fresh                fill the tables anew, and keep no snapshot of them; otherwise a snapshot of the same rows is used
                         when there is one, and one is kept when filling took more than 10 s ("rehearse snapshots")
  --name NAME            name of the rehearsal; its reports are in reports/NAME/
  --budget NAME=VALUE    a limit (lockWait=500ms, stall=1s, duration=15m, diskGrowthPeak=2x, diskFree=40GB,
                         failedOperations=0, latencyP99=5x, replicaLag=5s), repeatable; "none" takes one away
  ${REPORT_HELP}
  --expected             hold the outcome against the scenario's expected.json; exit 0 when it is as written there
  --no-color             no colour (NO_COLOR, FORCE_COLOR and TERM=dumb are respected too)

reports/<name>/<started-at>/ always gets recording.json, report.txt and report.md; "rehearse judge" and
"rehearse report" work from the recording alone.

Examples:
  rehearse run
  rehearse run scenarios/orders-tax-rate --budget lockWait=200ms
  rehearse run --schema db/schema.sql --migrations db/migrations --rows 5M
  rehearse run --schema S --migrations M --rows 200k --report json=- | jq .judgement.verdict`;

const options = {
  ...scenarioOptions,
  fresh: { type: 'boolean' },
  report: { type: 'string', multiple: true },
  expected: { type: 'boolean' },
  color: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseArguments<typeof options>>['values'];

interface Job {
  readonly plan: Plan;
  readonly found: readonly string[];
  readonly snapshots: 'automatic' | 'fresh';
  readonly expected: Expected | null;
}

/** The worst of several rehearsals decides, in this order. */
const SEVERITY = [0, 1, 3, 2, 130];

export const run: Command = {
  name: 'run',
  summary: 'rehearse the pending migrations and report with a verdict',
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('run', args, options);
    const jobs = await planAll(values, positionals, io);
    await using reports = await openReports(values.report ?? [], io, values.color);
    let exitCode = 0;
    for (const job of jobs) {
      exitCode = worse(exitCode, await runJob(job, reports, io));
      if (io.signal.aborted) break;
    }
    return io.signal.aborted ? exitCodeOf(io.signal.reason) : exitCode;
  },
};

async function planAll(values: Values, paths: readonly string[], io: CommandIo): Promise<readonly Job[]> {
  const { report: _report, expected, color: _color, fresh, ...scenario } = values;
  const jobs: Job[] = [];
  for (const { plan, found } of await planScenarios(scenario, paths, io)) {
    const snapshots = fresh === true ? 'fresh' : 'automatic';
    jobs.push({ plan, found, snapshots, expected: expected === true ? await readExpected(plan) : null });
  }
  return jobs;
}

async function readExpected(plan: Plan): Promise<Expected> {
  const text = await readFile(plan.expectedFile, 'utf8').catch((cause) => {
    throw new UsageError(
      `--expected needs ${plan.expectedFile}, which cannot be read: write what the rehearsal must find, or leave --expected out.`,
      { cause },
    );
  });
  return parseExpected(text, plan.expectedFile);
}

/** Rehearses one scenario; resolves to its exit code. */
async function runJob(job: Job, reports: OpenReports, io: CommandIo): Promise<number> {
  const { plan, found, snapshots, expected } = job;
  using progress = drawProgress(io.stderr, `rehearsing ${plan.name}`);
  for (const sentence of found) progress.say('provision', sentence);
  const { recording, trouble } = await rehearse(plan, { progress, signal: io.signal, snapshots });
  if (trouble?.error instanceof UsageError) {
    // Nothing was rehearsed, and nothing is worth keeping: there is one thing to correct.
    progress[Symbol.dispose]();
    io.stderr.write(`rehearse: ${plan.name}: ${explain(trouble.error)}\n`);
    return exitCodeOf(trouble.error);
  }
  const directory = join(plan.reports.directory, recording.startedAt.replaceAll(':', '-'));
  await mkdir(directory, { recursive: true });
  await writeRecording(join(directory, RECORDING_FILE), recording);

  const judgement = judge(recording, recording.budgets);
  const report = { recording, judgement, checks };
  for (const reporter of reporters.filter(({ name }) => name !== 'json')) {
    await writeFile(
      join(directory, reporter.fileName),
      reporter.render(report, { colour: false, width: 80 }),
    );
  }
  progress.say('stop', `reports in ${relative(io.cwd, directory) || directory}`);
  progress[Symbol.dispose]();
  await reports.write(report);

  if (trouble !== null) {
    io.stderr.write(`rehearse: ${plan.name}: ${explain(trouble.error)}\n`);
    return exitCodeOf(trouble.error);
  }
  if (expected === null) return EXIT_CODES[judgement.verdict];
  const { met, differences } = compareWithExpected(recording, judgement, expected);
  io.stderr.write(
    met
      ? `${plan.name}: verdict ${judgement.verdict}, as expected\n`
      : `${plan.name}: not as expected\n${differences.map((difference) => `  ${difference}\n`).join('')}`,
  );
  return met ? 0 : 1;
}

function worse(one: number, other: number): number {
  return SEVERITY.indexOf(other) > SEVERITY.indexOf(one) ? other : one;
}
