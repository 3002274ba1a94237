/** What a snapshot says of itself; written last, so that a folder without one is no snapshot. */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { GeneratorSpec } from '../generators/generator.ts';
import type { KeptData } from '../provisioners/provisioner.ts';
import type { TableFilling } from '../recording/recording.ts';
import { harnessVersion } from '../version.ts';
import type { KeyParts } from './key.ts';

const FORMAT = 'migration-rehearsal/snapshot';
const FORMAT_VERSION = 1;
const MANIFEST_FILE = 'manifest.json';
/** As structured clones, in which the load's threads get it too. */
const GENERATOR_FILE = 'generator.bin';

export interface Manifest {
  readonly format: typeof FORMAT;
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly key: string;
  readonly parts: KeyParts;
  readonly harnessVersion: string;
  /** ISO 8601. */
  readonly madeAt: string;
  /** Name of the scenario for which it was made. */
  readonly scenario: string;
  /** `seed`: somebody asked for it, so only somebody who asks for it removes it. */
  readonly keptBy: 'run' | 'seed';
  /** A folder is named relative to the snapshot's own. */
  readonly data: KeptData;
  readonly bytes: number;
  /** Time that the filling took, which a fork saves. */
  readonly fillMs: number;
  /** Of the rehearsal profile with which the server was stopped. */
  readonly settings: Readonly<Record<string, string>>;
  readonly filling: readonly TableFilling[];
}

export type ManifestFacts = Omit<Manifest, 'format' | 'formatVersion' | 'harnessVersion'>;

/** Brings the generator and then the manifest to the disk; `folder` is not under its final name yet. */
export async function writeManifest(
  folder: string,
  facts: ManifestFacts,
  generator: GeneratorSpec,
): Promise<void> {
  await writeThrough(join(folder, GENERATOR_FILE), serialize(generator));
  const manifest: Manifest = {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    harnessVersion: harnessVersion(),
    ...facts,
  };
  const unfinished = join(folder, `${MANIFEST_FILE}.new`);
  await writeThrough(unfinished, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(unfinished, join(folder, MANIFEST_FILE));
}

async function writeThrough(file: string, content: string | Uint8Array): Promise<void> {
  await using handle = await open(file, 'w', 0o600);
  await handle.writeFile(content);
  await handle.sync();
}

/** The manifest of a snapshot's folder, or why it is none, in words. */
export async function readManifest(folder: string): Promise<Manifest | { readonly unreadable: string }> {
  const text = await readFile(join(folder, MANIFEST_FILE), 'utf8').catch(
    (error: NodeJS.ErrnoException) => error,
  );
  if (typeof text !== 'string')
    return { unreadable: `its manifest cannot be read (${text.code ?? text.message})` };
  try {
    const value: unknown = JSON.parse(text);
    if (!isManifest(value))
      return { unreadable: 'its manifest is not one that this version of rehearse writes' };
    return value;
  } catch {
    return { unreadable: 'its manifest is no JSON' };
  }
}

/** Spot checks on what a list and a fork rely on; the rest is guarded by the format version. */
function isManifest(value: unknown): value is Manifest {
  return (
    isRecord(value) &&
    value.format === FORMAT &&
    value.formatVersion === FORMAT_VERSION &&
    typeof value.key === 'string' &&
    typeof value.harnessVersion === 'string' &&
    typeof value.madeAt === 'string' &&
    typeof value.scenario === 'string' &&
    typeof value.bytes === 'number' &&
    isRecord(value.parts) &&
    isRecord(value.settings) &&
    isKeptData(value.data) &&
    Array.isArray(value.filling)
  );
}

export function isKeptData(value: unknown): value is KeptData {
  if (!isRecord(value)) return false;
  return value.kind === 'directory' ? typeof value.path === 'string' : typeof value.name === 'string';
}

export async function readGenerator(folder: string): Promise<GeneratorSpec> {
  return deserialize(await readFile(join(folder, GENERATOR_FILE))) as GeneratorSpec;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
