/** Finds the client program that restores a dump, in the place where it is to run. */
import { glob, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Command, ConnectionTarget, Dump } from '../engines/engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import { type ProgramRun, type RunProgram, runHere } from '../provisioners/index.ts';
import type { Server } from '../provisioners/provisioner.ts';

export interface FoundProgram {
  /** As it is started. */
  readonly program: string;
  /** What it calls itself: "pg_restore (PostgreSQL) 15.20". */
  readonly version: string;
  /** In words, null on this machine. */
  readonly where: string | null;
  readonly run: RunProgram;
  /** The server as seen from there. */
  reach(target: ConnectionTarget): ConnectionTarget;
}

export interface FindRequest {
  readonly dump: Dump;
  /** `data.client` of the scenario. */
  readonly clientDirectory: string | null;
  readonly server: Server;
  readonly programFolders: readonly string[];
}

/**
 * The programs that might do it, the one to be preferred first: those of `data.client` alone, else the server's own,
 * those on PATH, those in the engine's usual folders. UsageError or EnvironmentError when there is none.
 */
export async function findPrograms(
  request: FindRequest,
  signal: AbortSignal,
): Promise<readonly FoundProgram[]> {
  const { dump, clientDirectory, server } = request;
  const found: FoundProgram[] = [];
  if (clientDirectory === null && server.programs !== null && 'run' in server.programs) {
    const { where, host, port, run } = server.programs;
    const reach = (target: ConnectionTarget) => ({ ...target, host, port, socket: null });
    for (const program of dump.programs) found.push(...(await ask({ program, where, run, reach }, signal)));
  }
  for (const folder of await foldersOf(request))
    for (const name of dump.programs) {
      const program = join(folder, process.platform === 'win32' ? `${name}.exe` : name);
      const isFile = await stat(program).then(
        (status) => status.isFile(),
        () => false,
      );
      if (isFile && !found.some((each) => each.program === program))
        found.push(...(await ask({ program, where: null, run: runHere, reach: (target) => target }, signal)));
    }
  if (found.length > 0) return found;
  const names = dump.programs.join(' or ');
  if (clientDirectory !== null)
    throw new UsageError(
      `data.client: the folder "${clientDirectory}" has no ${names} that runs: correct it.`,
    );
  throw new EnvironmentError(
    `${dump.description} needs ${names} to be restored, and there is none here. ${dump.remedy}`,
  );
}

async function foldersOf({
  clientDirectory,
  server,
  programFolders,
}: FindRequest): Promise<readonly string[]> {
  if (clientDirectory !== null) return [clientDirectory];
  const own = server.programs !== null && 'directory' in server.programs ? [server.programs.directory] : [];
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const usual: string[] = [];
  for (const pattern of programFolders) {
    const folders: string[] = [];
    for await (const folder of glob(pattern)) folders.push(folder);
    usual.push(...folders.toSorted((one, other) => other.localeCompare(one, 'en', { numeric: true })));
  }
  return [...new Set([...own, ...onPath, ...usual])];
}

/** Empty when it is not there or does not run. */
async function ask(
  candidate: Omit<FoundProgram, 'version'>,
  signal: AbortSignal,
): Promise<readonly FoundProgram[]> {
  const command = { program: candidate.program, args: ['--version'], env: {} };
  const { code, output } = await capture(candidate.run, command, signal);
  if (code !== 0) return [];
  return [{ ...candidate, version: output.trim().split('\n')[0] ?? '' }];
}

export interface Captured {
  readonly code: number | null;
  /** What it printed on its standard output. */
  readonly output: string;
  readonly errors: string;
}

/** Runs a command that prints little, without input. */
export async function capture(
  run: RunProgram,
  command: Command,
  signal: AbortSignal,
  input: ProgramRun['input'] = null,
): Promise<Captured> {
  const printed = { stdout: '', stderr: '' };
  const onOutput: ProgramRun['onOutput'] = (from, text) => {
    printed[from] += text;
  };
  const code = await run({ command, input, onOutput }, signal);
  return { code, output: printed.stdout, errors: printed.stderr };
}
