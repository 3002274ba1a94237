/** One run of a statement alone on a copy, with its locks read at the end of each of its transactions and all the time. */
import { type Catalog, compareFiles, namesOf, readCatalog } from './catalog.ts';
import type { Copy } from './copies.ts';
import { addHeld, type HeldModes } from './modes.ts';
import type { Outside } from './outside.ts';
import { readScanned, reportReads } from './scanned.ts';
import { applySettings } from './session-settings.ts';
import { readSizes, rewritten } from './sizes.ts';
import { runInStages } from './stages.ts';

export interface Sample {
  readonly before: Catalog;
  readonly after: Catalog;
  readonly held: HeldModes;
  readonly scans: readonly string[];
  readonly rewrites: readonly string[];
}

export async function sample(
  copy: Copy,
  { cluster, settings, signal }: Outside,
  statement: string,
): Promise<Sample> {
  const inspector = await copy.connect();
  const before = await readCatalog(inspector);
  const sizes = await readSizes(inspector, before);
  const session = await copy.connect();
  await applySettings(session, settings);
  const held: HeldModes = new Map();
  const look = () => addHeld(cluster, session, held);
  await runInStages({ cluster, session, signal, atEnd: look, between: look }, statement);
  await reportReads(session);
  const scans = await readScanned(inspector, before, sizes);
  const after = await readCatalog(inspector);
  const { newFiles } = compareFiles(before, after);
  return { before, after, held, scans, rewrites: namesOf(await rewritten(inspector, newFiles, sizes)) };
}
