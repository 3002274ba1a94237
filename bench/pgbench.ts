/** pgbench as a peer: it is found, run against a target, and its report and per-transaction log are read. */
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ConnectionTarget } from '../src/engines/engine.ts';
import { EnvironmentError } from '../src/errors.ts';
import { runTimed } from './timed.ts';

/** From PATH, else the newest of Debian's packages or of a Postgres that was installed from source or by Homebrew. */
export function findPgbench(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const onPath = folders.map((folder) => join(folder, 'pgbench')).find((file) => existsSync(file));
  const installed = [
    '/usr/lib/postgresql/*/bin/pgbench',
    '/usr/pgsql-*/bin/pgbench',
    '/usr/local/pgsql/bin/pgbench',
    '/opt/homebrew/opt/postgresql@*/bin/pgbench',
  ].flatMap((pattern) => globSync(pattern).toSorted(byVersion).reverse());
  return onPath ?? installed[0] ?? null;
}

function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

/** One line of `pgbench --log`. */
export interface LoggedTransaction {
  /** With --rate: from the scheduled start. */
  readonly responseMs: number;
}

export interface PgbenchRun {
  readonly perSecond: number;
  readonly transactions: number;
  /** Of the pgbench process itself, user and system; null where the system does not tell. */
  readonly cpuMs: number | null;
  /** With --rate. */
  readonly scheduleLagMs: { readonly average: number; readonly largest: number } | null;
  /** With --log. */
  readonly logged: readonly LoggedTransaction[];
}

/** Makes its tables (`pgbench --initialize`). */
export async function initialisePgbench(
  target: ConnectionTarget,
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await timed(requirePgbench(), ['-i', '-q', ...args], { target, folder: tmpdir(), signal });
}

function requirePgbench(): string {
  const program = findPgbench();
  if (program !== null) return program;
  throw new EnvironmentError(
    'there is no pgbench: install it (Debian: apt-get install postgresql-contrib), or add its folder to PATH',
  );
}

/** Runs it with these arguments; EnvironmentError when there is none, or when it fails. */
export async function runPgbench(
  target: ConnectionTarget,
  args: readonly string[],
  signal: AbortSignal,
): Promise<PgbenchRun> {
  const program = requirePgbench();
  const folder = await mkdtemp(join(tmpdir(), 'rehearse-pgbench-'));
  try {
    const { stdout, cpuMs } = await timed(program, args, { target, folder, signal });
    return {
      perSecond: Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1] ?? Number.NaN),
      transactions: Number(/transactions actually processed: (\d+)/.exec(stdout)?.[1] ?? Number.NaN),
      cpuMs,
      scheduleLagMs: lagIn(stdout),
      logged: await readLogs(folder),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly target: ConnectionTarget;
  readonly folder: string;
  readonly signal: AbortSignal;
}

async function timed(program: string, args: readonly string[], { target, folder, signal }: Run) {
  const { socket, host, port, user, password, database } = target;
  const result = await runTimed(program, args, {
    cwd: folder,
    env: {
      PGHOST: socket ?? host,
      PGPORT: String(port),
      PGUSER: user,
      PGPASSWORD: password,
      PGDATABASE: database,
    },
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  if (result.failed) throw new EnvironmentError(`pgbench did not run: ${result.stderr}`);
  return result;
}

function lagIn(report: string): PgbenchRun['scheduleLagMs'] {
  const found = /rate limit schedule lag: avg ([\d.]+) \(max ([\d.]+)\) ms/.exec(report);
  return found === null ? null : { average: Number(found[1]), largest: Number(found[2]) };
}

/** Fields of a line: client, transaction, elapsed us, script, epoch s, us, and with --rate the schedule lag in us. */
async function readLogs(folder: string): Promise<readonly LoggedTransaction[]> {
  const files = (await readdir(folder)).filter((name) => name.startsWith('pgbench_log.'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ responseMs: Number(line.split(' ')[2]) / 1000 })),
  );
}
