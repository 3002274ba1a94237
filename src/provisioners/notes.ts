/**
 * A note of what is about to be started, kept in a small file until it is cleaned away. What a killed harness leaves
 * behind is found by its note, whose owner no longer runs (leftovers.ts).
 */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateDirectory } from './directories.ts';
import { identifyMachine, identifyProcess, type MachineIdentity, type ProcessIdentity } from './processes.ts';

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

export async function describeOwner(): Promise<Note['owner']> {
  return { ...(await identifyProcess(process.pid)), ...(await identifyMachine()) };
}

/** Writes the note before anything is started. */
export async function holdNote(initial: Partial<Resources>): Promise<HeldNote> {
  const file = join(await stateDirectory(), `${process.pid}-${randomBytes(6).toString('hex')}${NOTE_SUFFIX}`);
  const owner = await describeOwner();
  let resources: Resources = { directories: [], process: null, container: null, volume: null, ...initial };
  const write = async (): Promise<void> => {
    const unfinished = `${file}.new`;
    await writeFile(unfinished, JSON.stringify({ owner, resources }), { mode: 0o600 });
    await rename(unfinished, file);
  };
  await write();
  return {
    update: async (more) => {
      resources = { ...resources, ...more };
      await write();
    },
    remove: () => rm(file, { force: true }),
  };
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
