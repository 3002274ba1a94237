/** The process of a load generator: started, heard, told to end, killed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from '../../engines/engine.ts';
import { EnvironmentError } from '../../errors.ts';
import { runHere } from '../../provisioners/index.ts';

export interface ProgramProcess {
  /** Null while it runs. */
  readonly exit: { readonly code: number | null; readonly atMs: number } | null;
  /** The last lines of its standard error. */
  readonly messages: readonly string[];
  signal(name: NodeJS.Signals): void;
  /** True when it has ended within the limit. */
  endsWithin(limitMs: number): Promise<boolean>;
  /** Resolves when it is gone. */
  kill(): Promise<void>;
}

export interface ProcessListener {
  readonly now: () => number;
  started(processId: number): void;
  /** A line of its standard error. */
  said(line: string): void;
}

const MESSAGES_KEPT = 20;

export function startProcess(command: Command, listener: ProcessListener): ProgramProcess {
  const kill = new AbortController();
  const messages: string[] = [];
  let exit: ProgramProcess['exit'] = null;
  let id: number | null = null;
  const heard = createLines((line) => {
    if (line.trim() === '') return;
    messages.push(line);
    if (messages.length > MESSAGES_KEPT) messages.shift();
    listener.said(line);
  });
  const ended = runHere(
    {
      command,
      input: null,
      onOutput: (from, text) => (from === 'stderr' ? heard(text) : undefined),
      onStart(processId) {
        id = processId;
        listener.started(processId);
      },
    },
    kill.signal,
  ).then(
    (code) => {
      exit = { code, atMs: listener.now() };
    },
    (error: unknown) => {
      exit = { code: null, atMs: listener.now() };
      messages.push(error instanceof Error ? error.message : String(error));
    },
  );

  return {
    get exit() {
      return exit;
    },
    messages,
    signal(name) {
      if (exit !== null || id === null) return;
      try {
        process.kill(id, name);
      } catch {
        // It has ended by itself meanwhile, which `exit` will tell.
      }
    },
    async endsWithin(limitMs) {
      const stop = new AbortController();
      const late = delay(limitMs, false, { signal: stop.signal }).catch(() => false);
      const inTime = await Promise.race([ended.then(() => true), late]);
      stop.abort();
      return inTime;
    },
    async kill() {
      kill.abort(new EnvironmentError(`"${command.program}" was killed`));
      await ended;
    },
  };
}

function createLines(heard: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) heard(line);
  };
}
