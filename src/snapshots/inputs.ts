/** Reads what the key of a snapshot is made of. */
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Engine } from '../engines/engine.ts';
import type { Plan } from '../scenario/plan.ts';
import { harnessVersion } from '../version.ts';
import { dataPart, digest, type KeyParts, settingsPart, sorted } from './key.ts';

/** A released migration, as far as it decides what is in the database. */
export interface ReleasedMigration {
  readonly version: string;
  readonly file: string;
  readonly parts: readonly { readonly sql: string }[];
}

export interface KeyRequest {
  readonly plan: Plan;
  readonly engine: Engine;
  /** All of the directory, oldest first. */
  readonly migrations: readonly ReleasedMigration[];
  /** Everything about the server that data directories depend on. */
  readonly build: string;
}

export async function readKeyParts({ plan, engine, migrations, build }: KeyRequest): Promise<KeyParts> {
  const { data, database } = plan;
  const files = {
    schema: data.schemaFile === null ? null : digest(await readFile(data.schemaFile)),
    profile: data.profileFile === null ? null : digest(await readFile(data.profileFile)),
    dump: data.restore === null ? null : await fingerprint(data.restore.file),
  };
  return {
    engine: `${engine.name} ${database.flavor}`,
    server: build,
    settings: settingsPart(database.settings, engine.recipe.isRuntimeSetting),
    data: dataPart(data),
    files: sorted(files),
    migrations: sorted({ tool: plan.migrations.tool, released: released(plan, migrations) }),
    harness: `rehearse ${harnessVersion()}, code ${await codeDigest()}, faker ${fakerVersion()}`,
  };
}

function released(plan: Plan, migrations: readonly ReleasedMigration[]): readonly string[] {
  const { released: last } = plan.migrations;
  if (last === null) return [];
  const end = migrations.findIndex(({ version }) => version === last);
  const applied = end < 0 ? migrations : migrations.slice(0, end + 1);
  return applied.map(({ version, file, parts }) => `${version} ${file} ${digest(sorted(parts))}`);
}

/** Of a dump's file, at both its ends: reading all of 100 GB would cost minutes, and its instant tells the rest. */
const ENDS_BYTES = 2 ** 20;

/** A digest of a file, or of every file of a folder: size, instant of the last change, first and last MiB. */
async function fingerprint(path: string): Promise<string> {
  const found = await stat(path);
  if (found.isFile()) return fingerprintOfFile(path);
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const each: string[] = [];
  for (const name of names) each.push(`${name.slice(path.length)} ${await fingerprintOfFile(name)}`);
  return digest(each.join('\n'));
}

async function fingerprintOfFile(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const { size, mtimeMs } = await file.stat();
  const head = await readAt(file, 0, Math.min(size, ENDS_BYTES));
  const tail = await readAt(file, Math.max(0, size - ENDS_BYTES), Math.min(size, ENDS_BYTES));
  return digest(`${size} ${mtimeMs} ${digest(head)} ${digest(tail)}`);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await file.read(buffer, 0, length, position);
  return buffer;
}

/** Folders whose code decides what a filled data directory holds. */
const FILLING_CODE = [
  'dumps',
  'engines',
  'generators',
  'phases',
  'profile',
  'provisioners',
  'seeders',
  'snapshots',
  'tools',
];

let code: Promise<string> | null = null;

/**
 * No number that somebody must remember to raise: a generator that changed makes other rows, whatever its version says.
 * 3 MB of sources are read in 40 ms, the compiled ones in less.
 */
function codeDigest(): Promise<string> {
  code ??= readCode();
  return code;
}

async function readCode(): Promise<string> {
  const root = join(import.meta.dirname, '..');
  const each: string[] = [];
  for (const folder of FILLING_CODE) {
    const entries = await readdir(join(root, folder), { recursive: true }).catch(() => []);
    for (const name of entries.toSorted())
      if (/\.[jt]s$/.test(name) && !/\.(?:test|d)\.[jt]s$/.test(name))
        each.push(
          `${folder}/${name.replace(/\.[jt]s$/, '')} ${digest(await readFile(join(root, folder, name)))}`,
        );
  }
  return digest(each.join('\n')).slice(0, 16);
}

/** Its values are the same only for the same version. */
function fakerVersion(): string {
  const { version } = createRequire(import.meta.url)('@faker-js/faker/package.json') as { version: string };
  return version;
}
