/** pgbench as the load: https://www.postgresql.org/docs/current/pgbench.html */
import type { LoadProgram, LoadProgramRun } from '../../load-program.ts';
import type { Command } from '../../recipe.ts';
import { dumps } from '../dumps/dumps.ts';
import { dialect } from '../text/dialect.ts';
import { readLog, readLostClient } from './output.ts';

const PROTOCOLS = { prepared: 'prepared', unnamed: 'extended', simple: 'simple' } as const;
/** It has to be told how long: 11 days, so that it is always us who end it. */
const LONGEST_RUN_SECONDS = 1_000_000;
/** The first major whose log tells deadlocks from serialization failures; before, either one ends its client. */
const FAILURES_DETAILED_SINCE = 15;
/** The first major that can be told by its log as we read it; those before cannot be had for our servers either. */
const OLDEST = 10;

export const pgbench: LoadProgram = {
  name: 'pgbench',
  programFolders: dumps.programFolders,
  remedy:
    'Install it: Debian and Ubuntu have it in postgresql-N (postgresql-contrib of other archives), Fedora in ' +
    'postgresql-contrib, Homebrew in postgresql@N; the client packages do not carry it.',
  readVersion(output) {
    const version = /^pgbench \(PostgreSQL\) (\d+\S*)/m.exec(output)?.[1];
    return version === undefined || majorOf(version) < OLDEST ? null : version;
  },
  command,
  logFile: (logPrefix, processId) => `${logPrefix}.${processId}`,
  logBlockBytes: 4096,
  // Its own -T is a timer that raises this signal (setalarm and handle_sig_alarm in pgbench.c).
  stopSignal: 'SIGALRM',
  readLog,
  readLostClient,
  readRefusal,
  async sessions(session, applicationName) {
    const rows = await session.query<{ age_ms: number | null }>(SESSIONS, [applicationName]);
    return rows.map(({ age_ms: ageMs }) => (ageMs === null ? null : Number(ageMs)));
  },
  async cancel(session, applicationName) {
    await session.query(CANCEL, [applicationName]);
  },
  kindOf(script) {
    const statements = script
      .split('\n')
      .filter((line) => !/^\s*\\/.test(line))
      .join('\n');
    const bare = dialect.redactValues(dialect.blank(statements)).toLowerCase();
    return /\b(?:insert|update|delete|merge|copy|truncate|call|nextval|do)\b/.test(bare) ? 'write' : 'read';
  },
};

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW */
const SESSIONS = `
select
  case when state = 'idle' then null
    else extract(epoch from clock_timestamp() - coalesce(xact_start, query_start)) * 1000 end::float8 as age_ms
from pg_stat_activity
where usename = current_user and application_name = $1 and pid <> pg_backend_pid()`;

const CANCEL = `
select pg_cancel_backend(pid)
from pg_stat_activity
where usename = current_user and application_name = $1 and pid <> pg_backend_pid()`;

function command(program: string, version: string, run: LoadProgramRun): Command {
  const { target, scripts, skipAfterMs, statementTimeoutMs } = run;
  const detailed = majorOf(version) >= FAILURES_DETAILED_SINCE ? ['--failures-detailed'] : [];
  const skip = skipAfterMs === null ? [] : [`--latency-limit=${skipAfterMs}`];
  const args = [
    '--no-vacuum',
    `--protocol=${PROTOCOLS[run.protocol]}`,
    `--client=${run.clients}`,
    // One thread has one schedule; its log is one file.
    '--jobs=1',
    `--rate=${run.ratePerSecond}`,
    `--time=${LONGEST_RUN_SECONDS}`,
    `--random-seed=${run.randomSeed}`,
    '--log',
    `--log-prefix=${run.logPrefix}`,
    ...detailed,
    ...skip,
    ...scripts.map(({ file, weight }) => `--file=${file}@${weight}`),
    `--host=${target.socket ?? target.host}`,
    `--port=${target.port}`,
    `--username=${target.user}`,
    target.database,
  ];
  const timeout =
    statementTimeoutMs === null ? {} : { PGOPTIONS: `-c statement_timeout=${statementTimeoutMs}` };
  const verified = target.verifyTls === true ? 'verify-full' : 'require';
  const env = {
    PGPASSWORD: target.password,
    PGAPPNAME: run.applicationName,
    PGSSLMODE: target.tls ? verified : 'disable',
    LC_ALL: 'C',
    ...timeout,
  };
  return { program, args, env };
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

/** It reads all scripts before it connects, and names file and line: "pay.sql:3: syntax error in command "set"". */
function readRefusal(errors: string): string | null {
  const lines = errors.split('\n');
  const isConnection = (line: string): boolean =>
    /could not create connection|connection to server/.test(line);
  const first = lines.findIndex((line) => /^pgbench: (?:error|fatal): /.test(line) && !isConnection(line));
  if (first < 0) return null;
  const end = lines.findIndex((line, index) => index > first && (line === '' || isConnection(line)));
  const said = lines.slice(first, end < 0 ? undefined : end).join('\n');
  return said.replace(/^pgbench: (?:error|fatal): /gm, '').trimEnd();
}
