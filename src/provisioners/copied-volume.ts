/** Volumes of stopped servers: copied in a short-lived container, and read from here where that is possible. */
import { access, constants } from 'node:fs/promises';
import { type DockerEngine, volumePath } from './docker.ts';
import { runHelper } from './docker-helper.ts';
import type { DataCopy, KeptData, Server } from './provisioner.ts';

/** Its name is that of the server's container with this at the end, so that the same note finds it. */
export const HELPER_SUFFIX = '-copy';

/** Clones where the file system of the engine's volumes can; the last line is the size in KiB. */
const COPY_VOLUME = `
  set -e
  if cp -a --reflink=always /from/. /to/ 2>/dev/null; then echo clone
  else cp -a /from/. /to/; echo copy; fi
  sync
  du -sk /to | cut -f1`;

export interface VolumeCopy {
  /** Of the server's container. */
  readonly name: string;
  readonly image: string;
  readonly from: string;
  readonly to: string;
  readonly signal: AbortSignal;
}

export async function copyVolume({ name, image, from, to, signal }: VolumeCopy): Promise<DataCopy> {
  const startedAt = performance.now();
  const volumes = { '/from': from, '/to': to };
  const helper = { name: `${name}${HELPER_SUFFIX}`, image, script: COPY_VOLUME, volumes, signal };
  const [method = '', kibibytes = ''] = (await runHelper(helper)).split('\n');
  return {
    method: method.trim() === 'clone' ? 'clone' : 'copy',
    durationMs: performance.now() - startedAt,
    bytes: Number(kibibytes) * 1024,
  };
}

/** A private copy of what was kept. */
export async function forkVolume(
  data: KeptData,
  to: Pick<VolumeCopy, 'name' | 'image' | 'signal'>,
): Promise<DataCopy> {
  if (data.kind !== 'volume') throw new Error(`data in a ${data.kind} is not for a container`);
  return copyVolume({ ...to, from: data.name, to: to.name });
}

export async function readableVolume(name: string, docker: DockerEngine): Promise<Server['dataDirectory']> {
  if (!docker.local) return { missing: `the volume is on another machine (${docker.host})` };
  const path = await volumePath(name);
  try {
    await access(path, constants.R_OK | constants.X_OK);
    return { path };
  } catch {
    return {
      missing: 'the volume of the container can be read by root alone, or is inside a virtual machine',
    };
  }
}
