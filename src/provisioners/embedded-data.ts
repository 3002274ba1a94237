/** The data directory of an embedded server: made empty, copied from what was kept, and kept itself. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { Command, EmbeddedLayout, Installation } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { copyDataDirectory } from './copied-data.ts';
import { flushFiles } from './flushed-files.ts';
import type { HeldNote } from './notes.ts';
import type { DataCopy, ServerRequest } from './provisioner.ts';
import type { ServerUser } from './server-user.ts';

const INITIALISE_LIMIT_MS = 120_000;

/** Everything that stays the same over the restarts of one server. */
export interface Running {
  readonly request: ServerRequest;
  readonly installation: Installation;
  readonly layout: EmbeddedLayout;
  readonly user: ServerUser | null;
  readonly directory: string;
  readonly logFile: string;
  readonly note: HeldNote;
  readonly signal: AbortSignal;
}

/** An empty data directory, or a private copy of the kept one, whose superuser gets the new password. */
export async function makeData(running: Running): Promise<DataCopy | null> {
  const { request, installation, layout } = running;
  const { embedded: recipe } = request.engine.recipe;
  if (request.fork === null) {
    await runAll(running, recipe.initialise(installation, layout));
    return null;
  }
  const { data } = request.fork;
  if (data.kind !== 'directory') throw new Error(`data in a ${data.kind} is not for an embedded server`);
  const forked = await copyToDisk(data.path, layout.dataDirectory, running);
  const settings = keptSettings(data.path);
  await writeFile(layout.settingsFile, await readFile(settings, 'utf8'));
  await runAll(running, recipe.renew(installation, layout));
  return forked;
}

/** Copies the data directory of the stopped server; its settings file too, so that a fork starts as this one did. */
export async function keepData(running: Running, path: string): Promise<DataCopy> {
  const copied = await copyToDisk(running.layout.dataDirectory, path, running);
  await copyFile(running.layout.settingsFile, keptSettings(path));
  return copied;
}

/** The settings file stands beside the data directory, here as there. */
const keptSettings = (path: string): string => `${path}.settings`;

/** Until all of it is on the disk. */
export async function copyToDisk(
  from: string,
  to: string,
  { signal }: Pick<Running, 'signal'>,
): Promise<DataCopy> {
  const startedAt = performance.now();
  const copied = await copyDataDirectory(from, to, signal);
  await flushFiles(to, signal);
  return { ...copied, durationMs: performance.now() - startedAt };
}

async function runAll(
  { installation, user, directory, signal }: Running,
  commands: readonly Command[],
): Promise<void> {
  for (const command of commands) {
    const result = await execa(command.program, command.args, {
      cwd: directory,
      env: { PATH: process.env.PATH, ...command.env },
      extendEnv: false,
      all: true,
      reject: false,
      input: command.input ?? '',
      timeout: INITIALISE_LIMIT_MS,
      cancelSignal: signal,
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    });
    signal.throwIfAborted();
    if (!result.failed) continue;
    throw new EnvironmentError(
      `the data directory of ${installation.description} could not be made: ` +
        `${result.all?.trim() || result.originalMessage || result.shortMessage}`,
    );
  }
}
