/**
 * Runs a load generator of others as the load, in this order:
 *
 *  1. find it, give it a folder for its log, start it; ready when all its sessions are open
 *  2. follow its log: each line is an operation that is over
 *  3. stop: it completes what runs, writes its log and ends
 *  4. what does not end within the grace is counted as in flight with its age, and cancelled
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ConnectionTarget, Engine } from '../../engines/engine.ts';
import { holdNote, scratchDirectory } from '../../provisioners/index.ts';
import type { OperationRecord } from '../../recording/recording.ts';
import type { LoadProgramSettings, LoadSettings } from '../../scenario/plan.ts';
import type { RunningLoad } from '../load.ts';
import { type FoundLoadProgram, findLoadProgram } from './find.ts';
import { createRunningProgram } from './running.ts';

export interface ProgramLoadRequest {
  readonly engine: Engine;
  readonly target: ConnectionTarget;
  readonly settings: LoadSettings;
  readonly program: LoadProgramSettings;
  readonly randomSeed: number;
  /** The recorder's clock. */
  readonly now: () => number;
}

/** How long the end waits for what is in flight, as our own load does (../start.ts). */
const GRACE_MS = 5000;
const INTERRUPTED_GRACE_MS = 500;

/**
 * Starts the program and resolves when its sessions are open: the warm-up has begun. UsageError when it refuses a
 * script, EnvironmentError when it is not there or cannot connect. An abort stops it; `finish` still gives the record.
 */
export async function startProgramLoad(
  request: ProgramLoadRequest,
  signal: AbortSignal,
): Promise<RunningLoad> {
  const found = await findLoadProgram(request.engine, request.program, signal);
  const operations = await operationsOf(request.program, found);
  const folder = await logFolder();
  /** In reverse order of their start. */
  const open: AsyncDisposable[] = [folder];
  const close = async (): Promise<void> => {
    for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
  };
  try {
    const { connections } = request.engine;
    const options = { applicationName: 'rehearse load control' };
    const session = await connections.connect(request.target, options, signal);
    open.push(session);
    const running = createRunningProgram({ request, found, operations, session, folder: folder.path });
    open.push(running);
    await running.ready(signal);
    const onAbort = (): void => running.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    return {
      startedAtMs: request.now(),
      open: running.open,
      pulse: running.pulse,
      probeCeiling: running.probeCeiling,
      finish: () => running.finish(signal.aborted ? INTERRUPTED_GRACE_MS : GRACE_MS),
      async [Symbol.asyncDispose]() {
        signal.removeEventListener('abort', onAbort);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Noted, so that a killed rehearsal leaves none behind. */
async function logFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const note = await holdNote({});
  const path = await mkdtemp(join(await scratchDirectory(), 'rehearse-load-'));
  await note.update({ directories: [path] });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
      await note.remove();
    },
  };
}

async function operationsOf(
  { scripts }: LoadProgramSettings,
  { program }: FoundLoadProgram,
): Promise<readonly OperationRecord[]> {
  return await Promise.all(
    scripts.map(async ({ file, weight }): Promise<OperationRecord> => {
      const text = await readFile(file, 'utf8');
      const kind = program.kindOf(text);
      return { name: basename(file), statements: [text], weight, kind, tables: [], codeVersion: 'running' };
    }),
  );
}
