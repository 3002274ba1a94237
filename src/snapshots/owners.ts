/**
 * Who works on a snapshot: small files that name a process. One whose process no longer runs means nothing, and is
 * removed by whoever meets it.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeOwner, identifyMachine, isRunning, type Note } from '../provisioners/index.ts';

type Owner = Note['owner'];

/** True while that process runs, as far as this machine can tell; a process of another machine is left alone. */
export async function isAlive(owner: Owner): Promise<boolean> {
  const machine = await identifyMachine();
  if (owner.hostname !== machine.hostname) return true;
  return owner.bootId === machine.bootId && (await isRunning(owner));
}

/** Reads the owner that a file names; null when there is no such file, or nothing of the kind in it. */
export async function readOwner(file: string): Promise<Owner | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return (JSON.parse(text) as { owner?: Owner }).owner ?? null;
  } catch {
    return null; // its process was killed before it had written all of it
  }
}

/** Writes a file that names this process; false when there is one already. */
async function claim(file: string, more: object = {}): Promise<boolean> {
  // Complete before it has its name: nobody reads half of one.
  const unfinished = `${file}.${randomBytes(6).toString('hex')}.new`;
  await writeOwner(unfinished, more);
  try {
    await link(unfinished, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
}

export async function writeOwner(file: string, more: object = {}): Promise<void> {
  await using handle = await open(file, 'w', 0o600);
  await handle.writeFile(JSON.stringify({ owner: await describeOwner(), ...more }));
  await handle.sync();
}

/** The one who makes or removes a snapshot. */
export interface Lock extends AsyncDisposable {
  release(): Promise<void>;
}

const lockFile = (directory: string, key: string): string => join(directory, `${key}.lock`);

/** Takes the lock, breaking that of a dead process; else tells who holds it. */
export async function takeLock(directory: string, key: string): Promise<Lock | { readonly heldBy: Owner }> {
  const file = lockFile(directory, key);
  for (;;) {
    if (await claim(file)) {
      const release = () => rm(file, { force: true });
      return { release, [Symbol.asyncDispose]: release };
    }
    const owner = await readOwner(file);
    if (owner !== null && (await isAlive(owner))) return { heldBy: owner };
    await breakLock(file, owner);
  }
}

/** Moves it aside and looks again: another process may have broken it and taken it in between. */
async function breakLock(file: string, dead: Owner | null): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}.broken`;
  await rename(file, aside).catch(() => undefined);
  const moved = await readOwner(aside);
  const isTheDeadOne = moved === null || (moved.pid === dead?.pid && moved.startedAt === dead.startedAt);
  if (!isTheDeadOne) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

export async function lockHolder(directory: string, key: string): Promise<Owner | null> {
  const owner = await readOwner(lockFile(directory, key));
  return owner !== null && (await isAlive(owner)) ? owner : null;
}

const USE = '.use-';

/** Says that this process copies the snapshot, which nobody may remove meanwhile. */
export async function markUse(directory: string, key: string): Promise<AsyncDisposable> {
  const file = join(directory, `${key}${USE}${process.pid}-${randomBytes(4).toString('hex')}`);
  await writeOwner(file);
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
}

/** A living process that copies the snapshot, or null. */
export async function userOf(directory: string, key: string): Promise<Owner | null> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`${key}${USE}`)) continue;
    const owner = await readOwner(join(directory, name));
    if (owner !== null && (await isAlive(owner))) return owner;
  }
  return null;
}

/** Removes the marks of dead processes. */
export async function removeStaleMarks(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.includes(USE)) continue;
    const owner = await readOwner(join(directory, name));
    if (owner !== null && !(await isAlive(owner))) await rm(join(directory, name), { force: true });
  }
}
