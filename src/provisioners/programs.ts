/** Client programs: run on this machine, or beside a server that is elsewhere. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Command } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { holdNote } from './notes.ts';
import { identifyProcess } from './processes.ts';

export interface ProgramRun {
  readonly command: Command;
  /** Its standard input; null gives it none. */
  readonly input: AsyncIterable<Buffer> | null;
  /** Called with what it prints, as it comes. */
  readonly onOutput: (from: 'stdout' | 'stderr', text: string) => void;
  /** Called with its process once it runs, where it runs on this machine. */
  readonly onStart?: (processId: number) => void;
}

/**
 * Runs a program to its end and resolves to its exit code, null when it does not exist. An abort ends it and rejects
 * with the signal's reason; an error of the input ends it too and is thrown.
 */
export type RunProgram = (run: ProgramRun, signal: AbortSignal) => Promise<number | null>;

/** A place from which the server is reached, with programs of its own. */
export interface ProgramsInside {
  /** In words: "the container rehearse-...". */
  readonly where: string;
  /** The server as the programs there see it. */
  readonly host: string;
  readonly port: number;
  readonly run: RunProgram;
}

/** What the user's own shell would give a program, without settings that could turn it to another server. */
const KEPT_VARIABLES = ['PATH', 'HOME', 'TMPDIR', 'SystemRoot', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'];
const KILL_AFTER_MS = 2_000;

/** Here, noted while it runs: a killed harness leaves no program behind that outlives the next rehearsal. */
export const runHere: RunProgram = async ({ command, input, onOutput, onStart }, signal) => {
  signal.throwIfAborted();
  const environment = Object.fromEntries(KEPT_VARIABLES.map((name) => [name, process.env[name]]));
  const note = await holdNote({});
  try {
    const child = spawn(command.program, [...command.args], {
      env: { ...environment, ...command.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    const exit = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    // A program that is not there tells so by `error` alone; every later failure comes with its exit.
    exit.catch(() => undefined);
    try {
      await once(child, 'spawn');
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
      throw new EnvironmentError(`the program "${command.program}" cannot be started`, { cause });
    }
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill('SIGTERM');
      timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (child.pid !== undefined) onStart?.(child.pid);
      if (child.pid !== undefined)
        await note.update({ process: { ...(await identifyProcess(child.pid)), stopSignal: 'SIGTERM' } });
      for (const from of ['stdout', 'stderr'] as const)
        child[from].setEncoding('utf8').on('data', (text: string) => onOutput(from, text));
      const fed = feed(child.stdin, input, signal).catch((error: unknown) => {
        stop();
        throw error;
      });
      const [[code, ended]] = await Promise.all([exit, fed]);
      signal.throwIfAborted();
      if (code === null)
        throw new EnvironmentError(`the program "${command.program}" was ended by ${ended ?? 'a signal'}`);
      return code;
    } finally {
      signal.removeEventListener('abort', stop);
      if (child.exitCode === null && child.signalCode === null) await exit.catch(() => undefined);
      clearTimeout(timer);
    }
  } finally {
    await note.remove();
  }
};

/** Writes the input at the program's pace. That the program takes no more is told by its exit, not here. */
export async function feed(
  sink: Writable,
  input: AsyncIterable<Buffer> | null,
  signal: AbortSignal,
): Promise<void> {
  let closed = false;
  const over = finished(sink, { readable: false }).catch(() => undefined);
  void over.then(() => {
    closed = true;
  });
  sink.on('error', () => undefined);
  for await (const chunk of input ?? []) {
    if (closed || signal.aborted) break;
    if (!sink.write(chunk)) await Promise.race([once(sink, 'drain').catch(() => undefined), over]);
  }
  signal.throwIfAborted();
  sink.end();
}
