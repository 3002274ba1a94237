/** Files of a dump's folder whose text the engine changes before a client reads it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import type { PlaceRequest } from './place.ts';

interface Form {
  readonly ending: string;
  open(bytes: Buffer): Promise<Buffer>;
  close(bytes: Buffer): Promise<Buffer>;
}

const FORMS: readonly Form[] = [
  { ending: '.gz', open: promisify(gunzip), close: promisify(gzip) },
  { ending: '.zst', open: promisify(zstdDecompress), close: promisify(zstdCompress) },
];
const asItIs = (bytes: Buffer) => Promise.resolve(bytes);
const PLAIN: Form = { ending: '', open: asItIs, close: asItIs };

/** Those whose text changed, by name and in their own compression. */
export async function rewrittenFiles(
  { source, rewriting, onNote }: PlaceRequest,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Buffer>> {
  const changed = new Map<string, Buffer>();
  if (rewriting === null || source.entries === null) return changed;
  for (const name of source.entries.keys()) {
    if (!rewriting.concerns(name)) continue;
    const form = FORMS.find(({ ending }) => name.endsWith(ending)) ?? PLAIN;
    const bytes = await form.open(await readFile(join(source.path, name), { signal }));
    // Each byte stays as it is, whatever the character set.
    const text = bytes.toString('latin1');
    const rewritten = rewriting.rewritten(text);
    if (rewritten !== text) changed.set(name, await form.close(Buffer.from(rewritten, 'latin1')));
  }
  if (changed.size > 0) onNote(rewriting.note);
  return changed;
}
