/** Copies the volume of a stopped server, in a short-lived container. */
import { runHelper } from './docker-helper.ts';
import type { DataCopy } from './provisioner.ts';

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
}

export async function copyVolume({ name, image, from, to }: VolumeCopy): Promise<DataCopy> {
  const startedAt = performance.now();
  const volumes = { '/from': from, '/to': to };
  const helper = { name: `${name}${HELPER_SUFFIX}`, image, script: COPY_VOLUME, volumes };
  const [method = '', kibibytes = ''] = (await runHelper(helper)).split('\n');
  return {
    method: method.trim() === 'clone' ? 'clone' : 'copy',
    durationMs: performance.now() - startedAt,
    bytes: Number(kibibytes) * 1024,
  };
}
