/**
 * Makes a snapshot, in an order that leaves nothing which looks whole when the process is killed at any instant:
 *
 *  1. a folder under a name that is no key, with the owner and the place of the data in it
 *  2. the data of the stopped server, brought to the disk
 *  3. the generator and the manifest, brought to the disk
 *  4. the folder gets its name in one step
 */
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { GeneratorSpec } from '../generators/generator.ts';
import { removeKept } from '../provisioners/index.ts';
import type { DataCopy, Keeping, KeptData, Server } from '../provisioners/provisioner.ts';
import { type ManifestFacts, writeManifest } from './manifest.ts';
import { writeOwner } from './owners.ts';
import { MAKING, OWNER_FILE } from './store.ts';

export interface MakeRequest {
  readonly directory: string;
  readonly server: Server;
  readonly keeping: Keeping;
  readonly facts: Omit<ManifestFacts, 'data' | 'bytes' | 'madeAt'>;
  readonly generator: GeneratorSpec;
}

/** The caller holds the lock of the key, under which nothing is there. */
export async function makeSnapshot(request: MakeRequest): Promise<DataCopy> {
  const { directory, server, keeping, facts, generator } = request;
  const folder = await mkdtemp(join(directory, `${MAKING}${facts.key}-${process.pid}-`));
  const place = keeping.place(folder);
  const data: KeptData = place.kind === 'directory' ? { ...place, path: basename(place.path) } : place;
  await writeOwner(join(folder, OWNER_FILE), { data });
  try {
    const copied = await server.keep(place);
    const more = { data, bytes: copied.bytes, madeAt: new Date().toISOString() };
    await writeManifest(folder, { ...facts, ...more }, generator);
    await rename(folder, join(directory, facts.key));
    await syncDirectory(directory);
    return copied;
  } catch (error) {
    await removeKept(place).catch(() => undefined);
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    throw error;
  }
}

/** The rename reaches the disk with its directory; Windows cannot open one, and there it is not needed. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(directory, 'r');
  await handle.sync();
}
