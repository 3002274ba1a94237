/** Runs what restores a dump, and tells how far it is. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ConnectionTarget, Dump, OpenedDump, RestoreStep, StreamedDump } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { holdNote, type ProgramRun, scratchDirectory } from '../provisioners/index.ts';
import { createEstimate } from './estimate.ts';
import { capture, type FoundProgram } from './programs.ts';
import { type DumpSource, readPlain } from './source.ts';

export interface DumpProgress {
  readonly message: string;
  /** 0..1, null while it cannot be known. */
  readonly fraction: number | null;
}

export interface RunRequest {
  readonly source: DumpSource;
  /** The migrator inside the rehearsed database: what is restored belongs to it. */
  readonly target: ConnectionTarget;
  readonly onProgress: (progress: DumpProgress) => void;
  readonly onNote: (text: string) => void;
}

/** The last lines that a program printed are told with its failure. */
const ERROR_LINES = 12;

/** One client reads the whole text. */
export async function runStream(
  dump: StreamedDump,
  client: FoundProgram,
  request: RunRequest,
  signal: AbortSignal,
): Promise<void> {
  const { source, target, onProgress, onNote } = request;
  const estimate = createEstimate();
  let table: string | null = null;
  const onRead = (bytes: number): void => {
    const fraction = bytes / source.bytes;
    onProgress({
      message: `restoring${table === null ? '' : ` ${table}`}: ${mebibytes(bytes)} of ${mebibytes(source.bytes)} MiB read${estimate(fraction)}`,
      fraction,
    });
  };
  const onTable = (name: string): void => {
    table = name;
  };
  const input = dump.filter(readPlain(source, onRead, signal), { onTable, onNote });
  const command = dump.restore(client.program, client.reach(target));
  const printed = createLines(() => undefined);
  const code = await client.run({ command, input, onOutput: printed.take }, signal);
  if (code !== 0) throw failure(dump, { client, code, lines: printed.last() });
}

/** The client opens the dump by itself, several times. */
export async function runPath(
  dump: OpenedDump,
  clients: readonly FoundProgram[],
  request: RunRequest & { readonly jobs: number; readonly onListing: (listing: string) => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const [first] = clients;
  if (first === undefined) throw new Error('no program to restore with');
  await using placed = await place(first, request, signal);
  const { client, listing } = await readContents(dump, clients, placed.path, signal);
  await request.onListing(listing);
  const target = client.reach(request.target);
  const { program } = client;
  for (const step of dump.steps({ program, path: placed.path, target, jobs: request.jobs, listing }))
    await runStep(dump, { client, step }, request, signal);
}

/** The first program that can read it; what the preferred one said is told when none can. */
async function readContents(
  dump: OpenedDump,
  clients: readonly FoundProgram[],
  path: string,
  signal: AbortSignal,
): Promise<{ readonly client: FoundProgram; readonly listing: string }> {
  let refused: EnvironmentError | null = null;
  for (const client of clients) {
    // The dump is where the first one is.
    if (client.where !== clients[0]?.where) continue;
    if (dump.contents === null) return { client, listing: '' };
    const { code, output, errors } = await capture(
      client.run,
      dump.contents.command(client.program, path),
      signal,
    );
    if (code === 0) return { client, listing: output };
    refused ??= failure(dump, { client, code, lines: errors.trim().split('\n') });
  }
  throw refused ?? new Error('no program to restore with');
}

interface Failure {
  readonly client: FoundProgram;
  readonly code: number | null;
  readonly lines: readonly string[];
}

function failure(dump: Dump, { client, code, lines }: Failure): EnvironmentError {
  const first = lines.findIndex((line) => /\b(?:error|fatal)\b/i.test(line));
  const said = lines.slice(Math.max(first, lines.length - ERROR_LINES)).join('\n');
  const advice = dump.adviceFor(said);
  return new EnvironmentError(
    `${dump.description} could not be restored: "${client.program}"${client.where === null ? '' : ` in ${client.where}`} ` +
      `(${client.version}) ended with exit code ${code ?? '?'}${said === '' ? '' : `:\n${said}`}` +
      (advice === null ? '' : `\n${advice}`),
  );
}

interface Stepping {
  readonly client: FoundProgram;
  readonly step: RestoreStep;
}

async function runStep(
  dump: OpenedDump,
  { client, step }: Stepping,
  { onProgress }: RunRequest,
  signal: AbortSignal,
): Promise<void> {
  const estimate = createEstimate();
  let finished = 0;
  let weight = 0;
  let item = '';
  const report = (): void => {
    const fraction = step.weight === 0 || weight === 0 ? null : Math.min(1, weight / step.weight);
    const counted = finished === 0 ? '' : `, ${finished} finished`;
    onProgress({
      message: `restoring ${step.title}${item === '' ? '' : `: ${item}`}${counted}${fraction === null ? '' : estimate(fraction)}`,
      fraction,
    });
  };
  const printed = createLines((line) => {
    const told = step.interpret(line);
    if (told === null) return;
    item = told.item;
    if (told.finished) [finished, weight] = [finished + 1, weight + told.weight];
    report();
  });
  report();
  const code = await client.run(
    { command: step.command, input: textInput(step.input), onOutput: printed.take },
    signal,
  );
  if (code !== 0) throw failure(dump, { client, code, lines: printed.last() });
}

function textInput(text: string | null): ProgramRun['input'] {
  if (text === null) return null;
  return (async function* () {
    yield Buffer.from(text);
  })();
}

/** Cuts what is printed into lines; the last ones are kept. */
function createLines(onLine: (line: string) => void) {
  const rest = { stdout: '', stderr: '' };
  const kept: string[] = [];
  return {
    take(from: 'stdout' | 'stderr', text: string): void {
      const lines = (rest[from] + text).split('\n');
      rest[from] = lines.pop() ?? '';
      for (const line of lines) {
        onLine(line);
        if (line.trim() !== '') kept.push(line);
      }
      kept.splice(0, kept.length - ERROR_LINES);
    },
    last: (): readonly string[] => [...kept, rest.stdout, rest.stderr].filter((line) => line.trim() !== ''),
  };
}

interface Placed extends AsyncDisposable {
  readonly path: string;
}

/** Where the client can open it: as it lies, without its compression in a file of ours, or a copy beside the server. */
async function place(client: FoundProgram, request: RunRequest, signal: AbortSignal): Promise<Placed> {
  const { source } = request;
  if (client.where !== null) return placeInside(client, request, signal);
  if (source.compression === 'none')
    return { path: source.path, [Symbol.asyncDispose]: () => Promise.resolve() };
  const path = join(await scratchDirectory(), `rehearse-dump-${randomBytes(6).toString('hex')}`);
  const note = await holdNote({ directories: [path] });
  const dispose = async (): Promise<void> => {
    await rm(path, { force: true });
    await note.remove();
  };
  try {
    const told = copying(request, source.bytes);
    await pipeline(readPlain(source, told, signal), createWriteStream(path, { mode: 0o600 }), { signal });
    return { path, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    signal.throwIfAborted();
    throw error;
  }
}

/** It goes away with the container at the latest. */
async function placeInside(client: FoundProgram, request: RunRequest, signal: AbortSignal): Promise<Placed> {
  const { source } = request;
  const root = `/tmp/rehearse-dump-${randomBytes(6).toString('hex')}`;
  const told = copying(request, source.bytes);
  let before = 0;
  const copy = async (from: string, to: string): Promise<void> => {
    const file = { path: from, compression: source.compression };
    const input = readPlain(file, (bytes) => told(before + bytes), signal);
    const command = { program: 'sh', args: ['-c', 'umask 077; cat > "$1"', 'sh', to], env: {} };
    const { code, errors } = await capture(client.run, command, signal, input);
    if (code !== 0)
      throw new EnvironmentError(`the dump could not be copied into ${client.where}: ${errors.trim()}`);
  };
  if (source.entries === null) await copy(source.path, root);
  else {
    await capture(client.run, { program: 'mkdir', args: ['-m', '700', root], env: {} }, signal);
    for (const [name, bytes] of source.entries) {
      await copy(join(source.path, name), `${root}/${basename(name)}`);
      before += bytes;
    }
  }
  const remove = { program: 'rm', args: ['-rf', root], env: {} };
  return {
    path: root,
    // The container is removed with all that is in it, whether this works or not.
    [Symbol.asyncDispose]: async () =>
      void (await capture(client.run, remove, AbortSignal.timeout(REMOVE_LIMIT_MS)).catch(() => undefined)),
  };
}

const REMOVE_LIMIT_MS = 10_000;

function copying({ onProgress }: RunRequest, ofBytes: number): (bytes: number) => void {
  const estimate = createEstimate();
  return (bytes) => {
    const fraction = ofBytes === 0 ? null : bytes / ofBytes;
    onProgress({
      message: `preparing the dump: ${mebibytes(bytes)} of ${mebibytes(ofBytes)} MiB${estimate(fraction ?? 0)}`,
      fraction,
    });
  };
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
