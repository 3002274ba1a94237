/**
 * Samples of live keys, kept with the rows that they were taken from: every rehearsal of a snapshot draws its parameters
 * from the same ones. A sample is taken when a load first asks for it, and stays as it is for as long as the snapshot does.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from './key.ts';

export interface KeySamples {
  /** Those that are kept, or else those that `sample` takes, which are then kept. */
  take(table: string, column: string, sample: () => Promise<readonly string[]>): Promise<readonly string[]>;
}

const FOLDER = 'samples';

/** In the folder of a snapshot. `onTrouble` is told why a sample could not be kept; the rehearsal has it all the same. */
export function keySamplesIn(folder: string, onTrouble: (message: string) => void): KeySamples {
  return {
    async take(table, column, sample) {
      const name = digest(JSON.stringify([table, column])).slice(0, 20);
      const file = join(folder, FOLDER, `${name}.json`);
      const there = await read(file);
      if (there !== null) return there;
      const taken = await sample();
      try {
        await keep(file, { table, column, keys: taken });
        // Of two rehearsals that took it at once, the first one's is kept.
        return (await read(file)) ?? taken;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        onTrouble(`the sample of the keys ${table}.${column} was not kept with the snapshot: ${reason}`);
        return taken;
      }
    },
  };
}

interface Sample {
  readonly table: string;
  readonly column: string;
  readonly keys: readonly string[];
}

/** Gets its name in one step, once it is on the disk, and only when nothing has that name. */
async function keep(file: string, sample: Sample): Promise<void> {
  // Not its parents: a snapshot that was removed meanwhile stays so.
  await mkdir(join(file, '..'), { mode: 0o700 }).catch(unlessThere);
  const unfinished = `${file}.${randomUUID()}`;
  try {
    {
      await using handle = await open(unfinished, 'wx', 0o600);
      await handle.writeFile(JSON.stringify(sample));
      await handle.sync();
    }
    await link(unfinished, file).catch(unlessThere);
  } finally {
    await rm(unfinished, { force: true });
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** Null when there is none that can be read. */
async function read(file: string): Promise<readonly string[] | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const { keys } = JSON.parse(text) as Partial<Sample>;
    return Array.isArray(keys) && keys.every((key) => typeof key === 'string') ? keys : null;
  } catch {
    return null;
  }
}
