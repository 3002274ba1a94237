/** Puts what a client reads where it can open it: on this machine, or beside a server that is elsewhere. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { OpenedDump } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { holdNote, type ProgramRun, scratchDirectory } from '../provisioners/index.ts';
import { createEstimate } from './estimate.ts';
import { capture, type FoundProgram } from './programs.ts';
import { rewrittenFiles } from './rewrite.ts';
import type { RunRequest } from './run.ts';
import { type DumpSource, readPlain } from './source.ts';

export interface Placed extends AsyncDisposable {
  readonly path: string;
}

/** Where the client can open it: as it lies, without its compression in a file of ours, or a copy beside the server. */
export async function placeDump(
  client: FoundProgram,
  request: PlaceRequest,
  signal: AbortSignal,
): Promise<Placed> {
  const { source } = request;
  const changed = await rewrittenFiles(request, signal);
  if (client.where !== null) return placeInside(client, { ...request, changed }, signal);
  if (source.entries !== null && changed.size > 0)
    return linkHere(source, [...source.entries.keys()], changed);
  if (source.compression === 'none')
    return { path: source.path, [Symbol.asyncDispose]: () => Promise.resolve() };
  return writeHere(readPlain(source, copying(request, source.bytes), signal), signal);
}

export interface PlaceRequest extends RunRequest {
  readonly rewriting: OpenedDump['rewriting'];
}

/** By name. */
type Changed = ReadonlyMap<string, Buffer>;

/** A folder of ours with the changed files, and links to the others. */
async function linkHere({ path }: DumpSource, names: readonly string[], changed: Changed): Promise<Placed> {
  const folder = join(await scratchDirectory(), `rehearse-dump-${randomBytes(6).toString('hex')}`);
  const note = await holdNote({ directories: [folder] });
  const dispose = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await note.remove();
  };
  try {
    await mkdir(folder, { mode: 0o700 });
    for (const name of names) {
      const bytes = changed.get(name);
      if (bytes === undefined) await symlink(resolve(path, name), join(folder, name));
      else await writeFile(join(folder, name), bytes, { mode: 0o600 });
    }
    return { path: folder, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** A small file. */
export async function placeText(client: FoundProgram, text: string, signal: AbortSignal): Promise<Placed> {
  if (client.where === null) return writeHere(inputOf(text), signal);
  const path = insidePath();
  await writeInside(client, { path, input: inputOf(text) }, signal);
  return { path, [Symbol.asyncDispose]: () => removeInside(client, path) };
}

/** For the standard input of a program. */
export async function* inputOf(content: string | Buffer): AsyncGenerator<Buffer> {
  yield Buffer.from(content);
}

/** Into a file of ours, noted so that it is found when the harness is killed. */
async function writeHere(input: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Placed> {
  const path = join(await scratchDirectory(), `rehearse-dump-${randomBytes(6).toString('hex')}`);
  const note = await holdNote({ directories: [path] });
  const dispose = async (): Promise<void> => {
    await rm(path, { force: true });
    await note.remove();
  };
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600 }), { signal });
    return { path, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    signal.throwIfAborted();
    throw error;
  }
}

/** It goes away with the container at the latest. */
async function placeInside(
  client: FoundProgram,
  request: RunRequest & { readonly changed: Changed },
  signal: AbortSignal,
): Promise<Placed> {
  const { source, changed } = request;
  const root = insidePath();
  const told = copying(request, source.bytes);
  let before = 0;
  const copy = async (from: string, path: string): Promise<void> => {
    const file = { path: from, compression: source.compression };
    await writeInside(
      client,
      { path, input: readPlain(file, (bytes) => told(before + bytes), signal) },
      signal,
    );
  };
  if (source.entries === null) await copy(source.path, root);
  else {
    await capture(client.run, { program: 'mkdir', args: ['-m', '700', root], env: {} }, signal);
    for (const [name, bytes] of source.entries) {
      const path = `${root}/${basename(name)}`;
      const other = changed.get(name);
      if (other === undefined) await copy(join(source.path, name), path);
      else await writeInside(client, { path, input: inputOf(other) }, signal);
      before += bytes;
    }
  }
  return { path: root, [Symbol.asyncDispose]: () => removeInside(client, root) };
}

function insidePath(): string {
  return `/tmp/rehearse-dump-${randomBytes(6).toString('hex')}`;
}

interface Inside {
  readonly path: string;
  readonly input: NonNullable<ProgramRun['input']>;
}

async function writeInside(
  client: FoundProgram,
  { path, input }: Inside,
  signal: AbortSignal,
): Promise<void> {
  const command = { program: 'sh', args: ['-c', 'umask 077; cat > "$1"', 'sh', path], env: {} };
  const { code, errors } = await capture(client.run, command, signal, input);
  if (code !== 0)
    throw new EnvironmentError(`the dump could not be copied into ${client.where}: ${errors.trim()}`);
}

/** The container is removed with all that is in it, whether this works or not. */
async function removeInside(client: FoundProgram, path: string): Promise<void> {
  const remove = { program: 'rm', args: ['-rf', path], env: {} };
  await capture(client.run, remove, AbortSignal.timeout(REMOVE_LIMIT_MS)).catch(() => undefined);
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
