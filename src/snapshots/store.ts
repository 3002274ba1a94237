/** The folder of the snapshots: what is kept, what is used, what goes away. */
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError, UsageError } from '../errors.ts';
import type { GeneratorSpec } from '../generators/generator.ts';
import { cacheDirectory, isRunning, removeKept } from '../provisioners/index.ts';
import type { KeptData } from '../provisioners/provisioner.ts';
import { harnessVersion } from '../version.ts';
import { isKeptData, type Manifest, readGenerator, readManifest } from './manifest.ts';
import { isAlive, lockHolder, readOwner, removeStaleMarks, takeLock, userOf, writeOwner } from './owners.ts';

/** A snapshot that is whole. */
export interface Snapshot {
  readonly key: string;
  readonly folder: string;
  readonly manifest: Manifest;
  /** Where its data is. */
  readonly data: KeptData;
  readonly lastUsedAt: Date;
}

/** What stands in the folder under the name of a key. */
export interface Entry {
  readonly key: string;
  /** `null` for what cannot be read. */
  readonly snapshot: Snapshot | null;
  /** Why no rehearsal of this harness uses it, or null. */
  readonly unusable: string | null;
}

/** Folders that are no snapshot yet, or no longer; a name that begins with a dot is no key. */
export const MAKING = '.making-';
const REMOVING = '.removing-';
/** Names the process that makes or removes the folder, and where its data is. */
export const OWNER_FILE = 'owner.json';
/** Its time of change is when the snapshot was used last. */
const USED_FILE = OWNER_FILE;

/** REHEARSE_SNAPSHOTS, where `off` keeps and uses none (null); else below the cache directory. Only its owner enters it. */
export async function snapshotsDirectory(): Promise<string | null> {
  const wanted = process.env.REHEARSE_SNAPSHOTS;
  if (wanted === 'off') return null;
  const directory = wanted || join(await cacheDirectory(), 'snapshots');
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new EnvironmentError(
      `the folder for snapshots "${directory}" cannot be made: set REHEARSE_SNAPSHOTS to one of your own, or to off`,
      { cause },
    );
  }
  return directory;
}

/** Everything that is kept, used last first; what cannot be read comes at the end. */
export async function listSnapshots(directory: string): Promise<readonly Entry[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const found = await Promise.all(names.map(({ name }) => readEntry(directory, name)));
  return found.toSorted((one, other) => lastUse(other) - lastUse(one));
}

const lastUse = ({ snapshot }: Entry): number => snapshot?.lastUsedAt.getTime() ?? 0;

/** The snapshot of that key when it is whole and of this harness, else null. */
export async function findSnapshot(directory: string, key: string): Promise<Snapshot | null> {
  const { snapshot, unusable } = await readEntry(directory, key);
  return unusable === null ? snapshot : null;
}

async function readEntry(directory: string, key: string): Promise<Entry> {
  const folder = join(directory, key);
  const manifest = await readManifest(folder);
  if ('unreadable' in manifest) return { key, snapshot: null, unusable: manifest.unreadable };
  const used = await stat(join(folder, USED_FILE)).catch(() => null);
  const lastUsedAt = used?.mtime ?? new Date(manifest.madeAt);
  const snapshot: Snapshot = { key, folder, manifest, data: placeOf(folder, manifest.data), lastUsedAt };
  return { key, snapshot, unusable: whyUnusable(key, manifest) };
}

function whyUnusable(key: string, manifest: Manifest): string | null {
  if (manifest.harnessVersion !== harnessVersion())
    return `made by rehearse ${manifest.harnessVersion}, this is ${harnessVersion()}`;
  return manifest.key === key ? null : `its manifest says that it is "${manifest.key}"`;
}

/** A manifest names a folder relative to its own. */
function placeOf(folder: string, data: KeptData): KeptData {
  return data.kind === 'directory' ? { kind: 'directory', path: join(folder, data.path) } : data;
}

export async function generatorOf({ folder }: Snapshot): Promise<GeneratorSpec> {
  return readGenerator(folder);
}

/** From now on it is the one used last. */
export async function touch({ folder }: Snapshot): Promise<void> {
  const now = new Date();
  await utimes(join(folder, USED_FILE), now, now).catch(() => undefined);
}

/**
 * Removes what stands under a key, readable or not. UsageError when there is nothing, or while some process makes or
 * copies it.
 */
export async function removeSnapshot(directory: string, key: string): Promise<void> {
  const there = await listSnapshots(directory);
  if (!there.some((entry) => entry.key === key))
    throw new UsageError(
      `there is no snapshot "${key}": "rehearse snapshots list" names those that there are.`,
    );
  const lock = await takeLock(directory, key);
  if ('heldBy' in lock)
    throw new UsageError(
      `the snapshot ${key} is being made or removed by process ${lock.heldBy.pid}: try again when that has ended.`,
    );
  await using _held = lock;
  const user = await userOf(directory, key);
  if (user !== null)
    throw new UsageError(
      `the snapshot ${key} is being copied by process ${user.pid}: try again in a minute.`,
    );
  const folder = join(directory, key);
  const manifest = await readManifest(folder);
  // From here on it is no snapshot; what is left of it after a kill is found by its name and its owner.
  const doomed = join(directory, `${REMOVING}${key}-${process.pid}-${Date.now()}`);
  await writeOwner(join(folder, OWNER_FILE), 'unreadable' in manifest ? {} : { data: manifest.data });
  await rename(folder, doomed);
  await removeFolder(doomed);
}

/** Its data first: a volume is found only as long as its folder names it. */
async function removeFolder(folder: string): Promise<void> {
  const data = await dataOf(folder);
  if (data !== null) await removeKept(placeOf(folder, data));
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

async function dataOf(folder: string): Promise<KeptData | null> {
  const manifest = await readManifest(folder);
  if (!('unreadable' in manifest)) return manifest.data;
  const text = await readFile(join(folder, OWNER_FILE), 'utf8').catch(() => '{}');
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    return isKeptData(data) ? data : null;
  } catch {
    return null; // its process was killed in the first moment, before there was any data
  }
}

/** What a dead process was making or removing; a line for each thing that went away. */
export async function removeUnfinished(directory: string): Promise<readonly string[]> {
  await removeStaleMarks(directory);
  const lines: string[] = [];
  for (const name of await readdir(directory)) {
    if (!name.startsWith(MAKING) && !name.startsWith(REMOVING)) continue;
    const folder = join(directory, name);
    if (await belongsToTheLiving(folder)) continue;
    const what = name.startsWith(MAKING) ? 'unfinished snapshot' : 'half-removed snapshot';
    try {
      await removeFolder(folder);
      lines.push(`${what} ${name}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      lines.push(`${what} ${name} (not removed yet: ${reason})`);
    }
  }
  return lines;
}

/** A process names itself within a moment of making the folder, whose name has its number until then. */
const NAMELESS_MS = 60_000;

async function belongsToTheLiving(folder: string): Promise<boolean> {
  const owner = await readOwner(join(folder, OWNER_FILE));
  if (owner !== null) return isAlive(owner);
  const pid = Number(/-(\d+)-[^-]*$/.exec(folder)?.[1]);
  if (Number.isInteger(pid) && !(await isRunning({ pid, startedAt: null }))) return false;
  const made = await stat(folder).catch(() => null);
  return made !== null && Date.now() - made.mtimeMs < NAMELESS_MS;
}

/**
 * Removes snapshots until the rest takes no more than `keepBytes`, used longest ago first, those that cannot be used
 * before them; returns what was removed. One that is in use stays.
 */
export async function pruneSnapshots(
  directory: string,
  keepBytes: number,
  mayGo: (entry: Entry) => boolean = () => true,
): Promise<readonly Entry[]> {
  const removed: Entry[] = [];
  for (const entry of pruneOrder((await listSnapshots(directory)).filter(mayGo), keepBytes)) {
    const busy = (await lockHolder(directory, entry.key)) ?? (await userOf(directory, entry.key));
    if (busy !== null) continue;
    await removeSnapshot(directory, entry.key);
    removed.push(entry);
  }
  return removed;
}

/** Pure: which of them go, first to last. */
export function pruneOrder(entries: readonly Entry[], keepBytes: number): readonly Entry[] {
  const byUse = entries.toSorted((one, other) => lastUse(one) - lastUse(other));
  const [unusable, usable] = [
    byUse.filter((each) => each.unusable !== null),
    byUse.filter((each) => each.unusable === null),
  ];
  let bytes = usable.reduce((sum, { snapshot }) => sum + (snapshot?.manifest.bytes ?? 0), 0);
  const going: Entry[] = [];
  for (const entry of usable) {
    if (bytes <= keepBytes) break;
    bytes -= entry.snapshot?.manifest.bytes ?? 0;
    going.push(entry);
  }
  return [...unusable, ...going];
}
