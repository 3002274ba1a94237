/**
 * A note of what is about to be started, kept in a small file until it is cleaned away. What a killed harness leaves
 * behind is found by its note, whose owner no longer runs (leftovers.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateDirectory } from './directories.ts';
import {
  identifyMachine,
  identifyProcess,
  isRunning,
  type MachineIdentity,
  type ProcessIdentity,
} from './processes.ts';

export interface Resources {
  /** Folders of ours, each with a name that no one else has. */
  readonly directories: readonly string[];
  /** A server process, and the signal by which it stops cleanly. */
  readonly process: (ProcessIdentity & { readonly stopSignal: NodeJS.Signals }) | null;
  /** Name of a container of ours. */
  readonly container: string | null;
  /** Name of a volume of ours. */
  readonly volume: string | null;
}

export interface Note {
  readonly file: string;
  readonly owner: ProcessIdentity & MachineIdentity;
  readonly resources: Resources;
}

/** A note of our own that is still needed. */
export interface HeldNote {
  /** Notes more of the same server: `resources` replaces what the note said. */
  update(resources: Partial<Resources>): Promise<void>;
  /** After everything in it is gone. */
  remove(): Promise<void>;
}

const NOTE_SUFFIX = '.note.json';
/** Of a note that is being written; a kill may leave it beside the note, or instead of a first one. */
const UNFINISHED_SUFFIX = '.new';
/** Writing takes milliseconds. */
const UNFINISHED_LIMIT_MS = 60_000;

export async function describeOwner(): Promise<Note['owner']> {
  return { ...(await identifyProcess(process.pid)), ...(await identifyMachine()) };
}

/** Begins the names of a process's notes, so that an unfinished one tells who was writing it. */
function nameOf(pid: number, machine: MachineIdentity): string {
  const digest = createHash('sha256').update(`${machine.hostname} ${machine.bootId}`).digest('hex');
  return `${pid}-${digest.slice(0, 12)}-`;
}

/** Writes the note before anything is started. */
export async function holdNote(initial: Partial<Resources>): Promise<HeldNote> {
  const owner = await describeOwner();
  const name = `${nameOf(owner.pid, owner)}${randomBytes(6).toString('hex')}${NOTE_SUFFIX}`;
  const file = join(await stateDirectory(), name);
  let resources: Resources = { directories: [], process: null, container: null, volume: null, ...initial };
  const write = async (): Promise<void> => {
    const unfinished = `${file}${UNFINISHED_SUFFIX}`;
    await writeFile(unfinished, JSON.stringify({ owner, resources }), { mode: 0o600 });
    await rename(unfinished, file);
  };
  await write();
  return {
    update: async (more) => {
      resources = { ...resources, ...more };
      await write();
    },
    remove: () => removeNote(file),
  };
}

/** With what a kill left of its last change. */
export async function removeNote(file: string): Promise<void> {
  for (const path of [`${file}${UNFINISHED_SUFFIX}`, file]) await rm(path, { force: true });
}

/**
 * First notes that were never finished: nothing had been started when their owners died. One whose owner cannot be told (another
 * machine's, or a process with the same number runs) goes when nobody can be writing it any more.
 */
export async function removeUnfinishedNotes(): Promise<void> {
  const folder = await stateDirectory();
  const machine = await identifyMachine();
  const names = (await readdir(folder)).filter((name) => name.endsWith(NOTE_SUFFIX + UNFINISHED_SUFFIX));
  for (const name of names) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found === null) continue;
    const old = Date.now() - found.mtimeMs > UNFINISHED_LIMIT_MS;
    if (old || (await isWritersEnd(name, machine))) await rm(path, { force: true });
  }
}

/** True where the process that was writing it ran on this machine, since it was switched on, and runs no more. */
async function isWritersEnd(name: string, machine: MachineIdentity): Promise<boolean> {
  const pid = Number.parseInt(name, 10);
  if (!name.startsWith(nameOf(pid, machine))) return false;
  return !(await isRunning({ pid, startedAt: null }));
}

/** All notes of this user, those of running rehearsals included. */
export async function readNotes(): Promise<readonly Note[]> {
  const folder = await stateDirectory();
  const names = (await readdir(folder)).filter((name) => name.endsWith(NOTE_SUFFIX));
  const notes = await Promise.all(names.map((name) => readNote(join(folder, name))));
  return notes.filter((note) => note !== null);
}

async function readNote(file: string): Promise<Note | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null; // cleaned away meanwhile
    throw error;
  });
  return text === null ? null : { file, ...(JSON.parse(text) as Omit<Note, 'file'>) };
}
