/** What a scenario leaves to be found: which migration tool, and which engine. Reads files, concludes from their text. */
import { open, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { UsageError } from '../errors.ts';

/** An engine with one of its dialects, and what in the text gave it away. */
export interface EngineCandidate {
  readonly engine: string;
  readonly flavor: string;
  /** Quoted from the text. */
  readonly marks: readonly string[];
}

export interface DetectedTool {
  readonly tool: { readonly name: string };
  /** Folder with the migrations, absolute or relative to the folder that was asked about. */
  readonly directory: string;
  /** What gave the tool away, as a clause: "prisma/schema.prisma is there". */
  readonly because: string;
}

/** Names of the parts that there are, each list with the preferred one first. */
export interface Known {
  readonly engines: readonly { readonly name: string; readonly flavors: readonly string[] }[];
  readonly provisioners: readonly string[];
  readonly tools: readonly string[];
}

/** The tool that a folder's files belong to; a UsageError says why it cannot be told. */
export type DetectTool = (directory: string) => Promise<DetectedTool>;

/** Enough to see a dialect; a dump may have gigabytes. */
const BEGINNING_BYTES = 256 * 1024;
/** A project with more migrations than this shows its dialect long before the last one. */
const MOST_FILES = 200;

/** Where tools keep the dialect or the URL of their database. */
const CONFIGURATION_FILES = [
  'migration_lock.toml',
  'meta/_journal.json',
  'schema.prisma',
  'prisma/schema.prisma',
  'drizzle.config.ts',
  'drizzle.config.js',
  'drizzle.config.json',
  'flyway.toml',
  'flyway.conf',
  'conf/flyway.conf',
  'config/database.yml',
  '.env',
] as const;

/** A database URL, or a key that tools use for the dialect: `provider = "postgresql"`, `"dialect": "mysql"`. */
const DIALECT_WORDS =
  /\b([a-z][a-z0-9]*)(?:\+[a-z0-9]+)?:\/\/|["']?\b(?:provider|dialect|adapter)["']?\s*[=:]\s*["']?(\w+)/gi;

/** The engine and dialect that a user's word names, or null. */
export function engineNamed(word: string, known: Known): { engine: string; flavor: string } | null {
  for (const { name, flavors } of known.engines) {
    if (flavors.includes(word)) return { engine: name, flavor: word };
    if (name === word) return { engine: name, flavor: flavors[0] ?? name };
  }
  return null;
}

/** The dialect that a word of a tool means: `postgresql` and `mysql2` begin with a dialect's name. */
export function engineMeant(word: string, known: Known): { engine: string; flavor: string } | null {
  const lower = word.toLowerCase();
  for (const { name, flavors } of known.engines) {
    const flavor = flavors.find((one) => lower.startsWith(one));
    if (flavor !== undefined) return { engine: name, flavor };
  }
  return null;
}

/** The dialects that the configuration of tools names, in a folder and in those around it up to `top`. */
export async function configuredEngines(
  directory: string,
  top: string,
  known: Known,
): Promise<readonly EngineCandidate[]> {
  const found = new Map<string, EngineCandidate>();
  for (const folder of foldersUpTo(directory, top))
    for (const name of CONFIGURATION_FILES) {
      const text = await beginningOf(join(folder, name));
      for (const [, scheme, value] of text?.matchAll(DIALECT_WORDS) ?? []) {
        const meant = engineMeant(scheme ?? value ?? '', known);
        if (meant !== null && !found.has(meant.flavor)) found.set(meant.flavor, { ...meant, marks: [name] });
      }
    }
  return [...found.values()];
}

/** The dialect that a profile says it was captured from; null when its beginning does not tell. */
export async function flavorOfProfile(file: string): Promise<string | null> {
  return /"flavor":\s*"([a-z]+)"/.exec((await beginningOf(file)) ?? '')?.[1] ?? null;
}

/** Beginnings of the schema and of every .sql file of the migrations. */
export async function sqlTexts(schemaFile: string | null, directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true }).catch((): string[] => []);
  const files = entries.filter((name) => name.endsWith('.sql')).sort();
  const paths = [
    ...(schemaFile === null ? [] : [schemaFile]),
    ...files.slice(0, MOST_FILES).map((name) => join(directory, name)),
  ];
  const texts = await Promise.all(paths.map(beginningOf));
  return texts.filter((text) => text !== null);
}

/**
 * The tool whose migrations are in exactly this folder, asked of the folders around it first, since they hold the marks.
 * A folder around it may hold several tools; what cannot be told of the folder itself is a UsageError.
 */
export async function toolOf(directory: string, top: string, detect: DetectTool): Promise<DetectedTool> {
  for (const folder of foldersUpTo(directory, top).slice(1).reverse()) {
    const found = await detect(folder).catch((error: unknown) => {
      if (error instanceof UsageError) return null;
      throw error;
    });
    if (found !== null && resolve(folder, found.directory) === directory) return found;
  }
  const found = await detect(directory);
  if (resolve(directory, found.directory) === directory) return found;
  throw new UsageError(
    `the migrations of ${found.tool.name} (${found.because}) are in "${found.directory}": write that folder`,
  );
}

/** src/main/resources/db/migration lies five levels below its project. */
const LEVELS_TO_PROJECT = 5;

/**
 * The project that a migrations folder belongs to: the nearest folder around it with a file that projects have at their
 * root; else the base when it lies below it; else the folder above it.
 */
export async function projectOf(directory: string, base: string): Promise<string> {
  let folder = directory;
  for (let level = 0; level < LEVELS_TO_PROJECT && folder !== dirname(folder); level += 1) {
    const names = await readdir(folder).catch((): string[] => []);
    if (names.some((name) => PROJECT_FILES.has(name))) return folder;
    if (folder === base) break;
    folder = dirname(folder);
  }
  return isWithin(directory, base) ? base : dirname(directory);
}

/** The outermost folder whose files may speak of the migrations: the base, or the project where they lie elsewhere. */
export async function topOf(directory: string, base: string): Promise<string> {
  return isWithin(directory, base) ? base : projectOf(directory, base);
}

const PROJECT_FILES = new Set([
  ...['.git', 'package.json', 'Gemfile', 'pyproject.toml', 'setup.py', 'requirements.txt', 'go.mod'],
  ...['pom.xml', 'build.gradle', 'build.gradle.kts', 'composer.json', 'mix.exs', 'Cargo.toml'],
]);

/** What is at a path: `file`, `directory`, or null for nothing. */
export async function kindAt(path: string): Promise<'file' | 'directory' | null> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  return found.isDirectory() ? 'directory' : 'file';
}

/** The folder itself first, then each one around it until `top`. */
function foldersUpTo(directory: string, top: string): string[] {
  const folders = [directory];
  let folder = directory;
  while (folder !== top && isWithin(folder, top)) {
    folder = dirname(folder);
    folders.push(folder);
  }
  return folders;
}

function isWithin(directory: string, base: string): boolean {
  const path = relative(base, directory);
  return !path.startsWith('..') && resolve(base, path) === directory;
}

async function beginningOf(path: string): Promise<string | null> {
  if ((await kindAt(path)) !== 'file') return null;
  await using file = await open(path);
  const buffer = Buffer.alloc(BEGINNING_BYTES);
  const { bytesRead } = await file.read(buffer, 0, BEGINNING_BYTES, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
