/** A load generator of others while it runs: its process, its log, and the end of both. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../../engines/engine.ts';
import { EnvironmentError, UsageError } from '../../errors.ts';
import { notMeasured } from '../../recording/figure.ts';
import type { LoadRecord, OperationRecord } from '../../recording/recording.ts';
import type { RunningLoad } from '../load.ts';
import { type CpuClock, createCpuClock } from './cpu.ts';
import type { FoundLoadProgram } from './find.ts';
import { type LogTail, tailLog } from './log-tail.ts';
import { type ProgramProcess, startProcess } from './process.ts';
import { createRecentLines } from './recent-lines.ts';
import { recordOf } from './record.ts';
import type { ProgramLoadRequest } from './start.ts';
import { createLogTally } from './tally-log.ts';

/** Its sessions are named in the engine's own views. */
const APPLICATION_NAME = 'rehearse load';
const READY_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 100;
/** From a cancelled statement to the end of the program. */
const CANCELLED_LIMIT_MS = 3000;

export interface ProgramParts {
  readonly request: ProgramLoadRequest;
  readonly found: FoundLoadProgram;
  readonly operations: readonly OperationRecord[];
  /** Of the user under whose name it runs. */
  readonly session: Session;
  /** For its log. */
  readonly folder: string;
}

export interface RunningProgram
  extends Pick<RunningLoad, 'open' | 'pulse' | 'probeCeiling'>,
    AsyncDisposable {
  /** Resolves when all its sessions are open. */
  ready(signal: AbortSignal): Promise<void>;
  /** No more operations; those that run go on. */
  stop(): void;
  /** Safe to call twice. */
  finish(graceMs: number): Promise<LoadRecord>;
}

export function createRunningProgram(parts: ProgramParts): RunningProgram {
  const { request, found, session } = parts;
  const { program } = found;
  const { settings, now } = request;
  const clients = settings.pool.size * settings.pool.instances;
  const tally = createLogTally(settings.pool.checkoutTimeoutMs);
  const recent = createRecentLines({
    ratePerSecond: settings.ratePerSecond,
    blockBytes: program.logBlockBytes,
  });
  const lostClients: string[] = [];
  let openedMs: number | null = null;
  let stoppedMs: number | null = null;
  let finished: Promise<LoadRecord> | null = null;
  const followed = startFollowed(parts, {
    logged(operation, atMs) {
      tally.logged(operation, atMs);
      if (operation.ended.how === 'completed') recent.add(atMs, operation.ended.responseMs);
    },
    said(line) {
      const lost = program.readLostClient(line);
      // What is lost after the end was asked for was cancelled by us.
      if (lost === null || stoppedMs !== null) return;
      const message = request.engine.dialect.redactValues(lost.message);
      lostClients.push(message);
      tally.failed(lost.script, { outcome: lost.outcome, code: null, message }, now());
    },
  });
  const { process } = followed;

  function stop(): void {
    if (stoppedMs !== null) return;
    stoppedMs = now();
    followed.cpu?.stop(stoppedMs);
    process.signal(program.stopSignal);
  }

  async function end(graceMs: number): Promise<LoadRecord> {
    // Without any client it ends by itself, in a moment.
    if (lostClients.length >= clients) await process.endsWithin(CANCELLED_LIMIT_MS);
    const died =
      process.exit === null || stoppedMs !== null
        ? null
        : { atMs: process.exit.atMs, message: lastWords(parts, process) };
    stop();
    const { agesMs, limits } = await endWithin(parts, process, graceMs);
    await followed.readAll();
    const endMs = now();
    const names = [...parts.operations.map(({ name }) => name), 'in flight at the end'];
    return recordOf({
      settings,
      description: `${program.name} ${found.version}`,
      died,
      operations: parts.operations,
      facts: tally.finish(endMs, agesMs, names),
      fromMs: openedMs,
      toMs: stoppedMs ?? endMs,
      cpu: followed.cpu,
      lostClients,
      clients,
      limits,
    });
  }

  return {
    async ready(signal) {
      const limitMs = now() + READY_LIMIT_MS;
      for (;;) {
        signal.throwIfAborted();
        if (process.exit !== null) throw refusal(parts, process, lostClients.length > 0);
        if ((await program.sessions(session, APPLICATION_NAME)).length >= clients) return;
        if (now() > limitMs)
          throw new EnvironmentError(
            `${program.name} did not open its ${clients} connections within ${READY_LIMIT_MS / 1000} s`,
          );
        await delay(LOOK_EVERY_MS / 2);
      }
    },
    async open(window) {
      if (openedMs === null && (process.exit !== null || lostClients.length > 0))
        throw refusal(parts, process, lostClients.length > 0);
      const atMs = now();
      openedMs ??= atMs;
      followed.cpu?.start(atMs);
      tally.open(window, atMs);
      recent.after(atMs);
      return atMs;
    },
    async probeCeiling() {
      const unknown = notMeasured(`${program.name} runs its own scripts alone, writes included`);
      return { perSecond: unknown, cpuMicrosecondsPerOperation: unknown };
    },
    pulse() {
      const { due, completed, failed, dropped } = tally.counts;
      const recentP99Ms = recent.p99Ms(now());
      return { due, completed, failed, dropped, inFlight: 0, poolQueue: 0, recentP99Ms };
    },
    stop,
    finish(graceMs) {
      finished ??= end(graceMs);
      return finished;
    },
    async [Symbol.asyncDispose]() {
      stop();
      await Promise.allSettled([finished]);
      await process.kill();
      await followed[Symbol.asyncDispose]();
    },
  };
}

interface Followed extends AsyncDisposable {
  readonly process: ProgramProcess;
  readonly cpu: CpuClock | null;
  /** Reads the log to its end. */
  readAll(): Promise<void>;
}

interface FollowedListener {
  logged(operation: NonNullable<ReturnType<FoundLoadProgram['program']['readLog']>>, atMs: number): void;
  said(line: string): void;
}

/** Starts the process and reads its log while it grows. */
function startFollowed({ request, found, folder }: ProgramParts, listener: FollowedListener): Followed {
  const { settings, now } = request;
  const { program, path, version } = found;
  const logPrefix = join(folder, 'log');
  const toRecorder = createEpochClock(now);
  let tail: LogTail | null = null;
  let cpu: CpuClock | null = null;
  const command = program.command(path, version, {
    target: request.target,
    applicationName: APPLICATION_NAME,
    clients: settings.pool.size * settings.pool.instances,
    ratePerSecond: settings.ratePerSecond,
    scripts: request.program.scripts,
    protocol: settings.protocol,
    randomSeed: request.randomSeed,
    statementTimeoutMs: settings.statementTimeoutMs,
    skipAfterMs: settings.pool.checkoutTimeoutMs,
    logPrefix,
  });
  const process = startProcess(command, {
    now,
    said: listener.said,
    started(processId) {
      cpu = createCpuClock(processId);
      tail = tailLog(program.logFile(logPrefix, processId), (line) => {
        const operation = program.readLog(line);
        if (operation !== null) listener.logged(operation, toRecorder(operation.endedAtEpochMs));
      });
    },
  });
  // A reading that fails is made good by the next one; the last one, in readAll, tells of its failure.
  const looking = setInterval(() => void tail?.read().catch(() => undefined), LOOK_EVERY_MS);
  return {
    process,
    get cpu() {
      return cpu;
    },
    async readAll() {
      clearInterval(looking);
      await tail?.read();
    },
    async [Symbol.asyncDispose]() {
      clearInterval(looking);
      await tail?.[Symbol.asyncDispose]();
    },
  };
}

/** Ends it, whatever it does; gives the ages of what had to be cancelled. */
async function endWithin(
  { found: { program }, session }: ProgramParts,
  process: ProgramProcess,
  graceMs: number,
): Promise<{ readonly agesMs: readonly number[]; readonly limits: readonly string[] }> {
  if (await process.endsWithin(graceMs)) return { agesMs: [], limits: [] };
  const agesMs = await program.sessions(session, APPLICATION_NAME).catch(() => []);
  await program.cancel(session, APPLICATION_NAME).catch(() => undefined);
  const limits: string[] = [];
  if (!(await process.endsWithin(CANCELLED_LIMIT_MS))) {
    await process.kill();
    limits.push(
      `${program.name} did not end when it was told to: the last ${program.logBlockBytes} bytes of its log may be missing.`,
    );
  }
  return { agesMs: agesMs.flatMap((ageMs) => ageMs ?? []), limits };
}

function lastWords({ request }: ProgramParts, { messages, exit }: ProgramProcess): string {
  const told = messages.filter((line) => /error|fatal/i.test(line)).at(-1) ?? messages.at(-1);
  return request.engine.dialect.redactValues(told ?? `exit code ${exit?.code ?? 'unknown'}`);
}

/** Before anything was measured: the scripts or the server are to blame, not the migration. */
function refusal({ request, found }: ProgramParts, process: ProgramProcess, byServer: boolean): Error {
  const { name, readRefusal } = found.program;
  const text = process.messages.join('\n');
  const refused = readRefusal(text);
  const redacted = request.engine.dialect.redactValues(refused ?? text);
  // Each client says the same.
  const says = [...new Set(redacted.split('\n'))].join('\n');
  return refused === null && !byServer
    ? new EnvironmentError(`${name} ended before the baseline (exit code ${process.exit?.code}): ${says}`)
    : new UsageError(`load.operations: ${name} failed before the baseline, without any migration: ${says}`);
}

/** Epoch milliseconds of this machine's clock to the recorder's; the clock of Node.js shows whole milliseconds. */
function createEpochClock(now: () => number): (epochMs: number) => number {
  const seen = Date.now();
  let wall = seen;
  while (wall === seen) wall = Date.now();
  const offsetMs = wall - now();
  return (epochMs) => epochMs - offsetMs;
}
