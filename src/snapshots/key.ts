/** The key of a snapshot: a hash of everything that determines the filled data directory. Pure. */
import { createHash } from 'node:crypto';
import type { DataPlan } from '../scenario/plan.ts';

/** Everything that the key is made of, each in words that a list can show. */
export interface KeyParts {
  readonly engine: string;
  /** Provisioner, server, version, build, platform. */
  readonly server: string;
  /** Settings that change what is stored: {@link ServerRecipe.isRuntimeSetting} leaves the others out. */
  readonly settings: string;
  /** Tables, columns, volume, scale, masks, wear, random seed. */
  readonly data: string;
  /** Digests of the files that the data plan names: schema, profile, dump. */
  readonly files: string;
  /** Released migrations that were applied, with the digest of each file's text, and the tool whose ledger they fill. */
  readonly migrations: string;
  /** Version of the harness, and a digest of its code that fills. */
  readonly harness: string;
}

/** 80 bits: enough that no two of a folder's snapshots ever meet, short enough to be typed. */
const KEY_CHARACTERS = 20;

export function keyOf(parts: KeyParts): string {
  return digest(sorted(parts)).slice(0, KEY_CHARACTERS);
}

/** SHA-256 in hexadecimal. */
export function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** JSON with the keys of every object in order, so that the order in which a scenario names its tables is no matter. */
export function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (each === null || typeof each !== 'object' || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  });
}

/** The plan without what is no matter: paths, whose files count by their digests, and the client that restores. */
export function dataPart(data: DataPlan): string {
  const { schemaFile, profileFile, restore, ...rest } = data;
  return sorted({
    ...rest,
    from:
      restore !== null
        ? 'dump'
        : profileFile !== null
          ? 'profile'
          : schemaFile !== null
            ? 'schema'
            : 'migrations',
    ...(restore === null ? {} : { mask: restore.mask }),
  });
}

/** Settings that change what is stored, by name. */
export function settingsPart(
  settings: Readonly<Record<string, string>>,
  isRuntimeSetting: (name: string) => boolean,
): string {
  return sorted(Object.fromEntries(Object.entries(settings).filter(([name]) => !isRuntimeSetting(name))));
}
