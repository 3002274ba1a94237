/** One run of a server's program: started in a session of its own, watched, stopped within a limit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, stat } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { identifyProcess, type ProcessIdentity } from './processes.ts';
import type { ServerUser } from './server-user.ts';

export interface ServerProcessRequest {
  readonly command: Command;
  readonly user: ServerUser | null;
  readonly directory: string;
  /** The server's own words are appended to it. */
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  /** Called when the process ends without having been asked to. */
  readonly onUnexpectedEnd: (how: string) => void;
}

export interface ServerProcess {
  readonly identity: ProcessIdentity;
  /** How it ended, in words; null while it runs. */
  readonly ended: string | null;
  /** The last lines that this run wrote, for an error message. */
  logTail(): Promise<string>;
  /** Asks it to stop, waits, and kills it after the limit. */
  stop(limitMs: number): Promise<void>;
}

const KILL_LIMIT_MS = 10_000;
/** Enough for a reason and its context. */
const LOG_TAIL_LINES = 12;

export async function startServerProcess(request: ServerProcessRequest): Promise<ServerProcess> {
  const { command, user, directory, logFile, stopSignal, onUnexpectedEnd } = request;
  const logStart = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  );
  const child = await spawnServer(request);
  yieldToGenerator(child);
  let ended: string | null = null;
  let asked = false;
  child.once('exit', (code, signal) => {
    ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
    if (!asked) onUnexpectedEnd(ended);
  });
  // The harness never outlives its work for the server's sake; what it leaves is found by the note.
  child.unref();
  if (child.pid === undefined)
    throw new EnvironmentError(`"${command.program}" did not start in ${directory}`);
  const who = user === null ? '' : ` as the user "${user.name}"`;
  if (child.exitCode !== null) throw new EnvironmentError(`"${command.program}" ended at once${who}`);
  return {
    identity: await identifyProcess(child.pid),
    get ended() {
      return ended;
    },
    logTail: () => readLogTail(logFile, logStart),
    stop: async (limitMs) => {
      asked = true;
      if (ended !== null) return;
      child.ref();
      child.kill(stopSignal);
      if (await endsWithin(child, limitMs)) return;
      child.kill('SIGKILL');
      if (await endsWithin(child, KILL_LIMIT_MS)) return;
      throw new EnvironmentError(`the server process ${child.pid} does not end, not even by SIGKILL`);
    },
  };
}

/**
 * In production the application has processors of its own. Here load, observers and server share them, and a statement
 * that keeps every core busy would delay the arrivals; the server therefore yields to them. Alone on a core it runs at
 * full speed all the same.
 */
const SERVER_NICE = 5;

function yieldToGenerator(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, SERVER_NICE);
  } catch {
    // It has ended already, or the system forbids it: the load's own schedule lag tells whether that mattered.
  }
}

async function spawnServer({
  command,
  user,
  directory,
  logFile,
}: ServerProcessRequest): Promise<ChildProcess> {
  await using log = await open(logFile, 'a');
  const child = spawn(command.program, [...command.args], {
    cwd: directory,
    env: { PATH: process.env.PATH, ...command.env },
    stdio: ['ignore', log.fd, log.fd],
    // A session of its own: Ctrl-C in a terminal must reach the harness alone, which then stops the server itself.
    detached: true,
    windowsHide: true,
    ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
  });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    const who = user === null ? '' : ` as the user "${user.name}"`;
    throw new EnvironmentError(`the server "${command.program}" cannot be started${who}`, { cause });
  }
  return child;
}

async function endsWithin(child: ChildProcess, limitMs: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return true;
  const waiting = new AbortController();
  const exit = once(child, 'exit', { signal: waiting.signal }).then(() => true);
  const limit = delay(limitMs, false, { signal: waiting.signal });
  try {
    return await Promise.race([exit, limit]);
  } finally {
    waiting.abort();
    await Promise.allSettled([exit, limit]);
  }
}

async function readLogTail(logFile: string, start: number): Promise<string> {
  const log = await readFile(logFile).catch(() => Buffer.alloc(0));
  const lines = log.subarray(start).toString('utf8').trim().split('\n').slice(-LOG_TAIL_LINES);
  return lines.join('\n') || '(the server wrote nothing)';
}
