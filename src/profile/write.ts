/** Writes a profile to its file. A file under its final name is always complete, and readable by its owner alone. */
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EnvironmentError } from '../errors.ts';
import type { Profile } from './profile.ts';

/** What production looks like is nobody else's business, even without a value of its rows. */
const OWNER_ONLY = 0o600;

/** Profile as text, in lines that can be compared from one capture to the next. */
export function profileText(profile: Profile): string {
  // A line end within a string is written as \n, so that brackets around one are those of a list.
  const text = JSON.stringify(profile, null, 2).replace(/\[\n[-\d.,e\s]+\]/g, (list) =>
    list.replace(/\s+/g, ' '),
  );
  return `${text}\n`;
}

/** Writes beside the final place, brings it to the disk and renames. EnvironmentError when it cannot be written. */
export async function writeProfile(file: string, profile: Profile): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    await rm(temporary, { force: true });
    await writeThrough(temporary, profileText(profile));
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new EnvironmentError(
      `the profile cannot be written to "${file}": name a file in a folder that can be written to, with space left`,
      { cause: error },
    );
  }
}

async function writeThrough(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'wx', OWNER_ONLY);
  await handle.writeFile(text);
  await handle.sync();
}
