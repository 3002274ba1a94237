/** Which migration tool a project uses, by what its files look like. */
import { readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { dbmate } from './dbmate.ts';
import { drizzle } from './drizzle.ts';
import { flyway } from './flyway.ts';
import { golangMigrate } from './golang-migrate.ts';
import { plain } from './plain.ts';
import { prisma } from './prisma.ts';
import type { Tool, ToolEvidence } from './tool.ts';

export interface DetectedTool {
  readonly tool: Tool;
  /** Migrations directory, absolute. */
  readonly directory: string;
  /** What gave it away. */
  readonly because: string;
}

/** Layouts that have a mark of their own; a plain directory is what is left when none of them is seen. */
const MARKED: readonly Tool[] = [dbmate, golangMigrate, flyway, prisma, drizzle];

/** Deep enough for src/main/resources/db/migration of a service in a repository of several. */
const MAX_DEPTH = 8;
const MAX_ENTRIES = 50_000;
const SKIPPED = new Set(['node_modules', 'vendor', 'dist', 'build', 'target', 'out', 'coverage', 'venv']);
/** A migration of more than this is read by its name only. */
const MAX_READ_BYTES = 1_000_000;

/**
 * Looks at a project, or at a migrations directory itself. UsageError when nothing is found, or when two tools or two
 * directories are and only the user can say which is meant.
 */
export async function detectTool(projectOrMigrations: string): Promise<DetectedTool> {
  const root = resolve(projectOrMigrations);
  const paths = await listPaths(root);
  const read = (path: string): string | null => readSmall(join(root, path));
  const marked = MARKED.flatMap((tool) => tool.detect(paths, read).map((evidence) => ({ tool, evidence })));
  const found = marked.length > 0 ? marked : plainIn(paths, read);
  const [first] = found;
  if (first === undefined) {
    throw new UsageError(
      `no migrations are found in ${root}. Give their directory (--migrations, migrations.directory) and the tool ` +
        `(--tool, migrations.tool: ${[...MARKED, plain].map(({ name }) => name).join(', ')}).`,
    );
  }
  if (found.length > 1) throw new UsageError(whichOf(root, found));
  const { tool, evidence } = first;
  return { tool, directory: join(root, evidence.directory), because: evidence.because };
}

interface Found {
  readonly tool: Tool;
  readonly evidence: ToolEvidence;
}

/** A folder called migrations, or the given one itself when it holds .sql files that may be migrations. */
function plainIn(paths: readonly string[], read: (path: string) => string | null): readonly Found[] {
  const folders = plain.detect(paths, read);
  const here = paths.find((path) => /^[^/]+\.sql$/.test(path) && !BESIDE_MIGRATIONS.test(path));
  const found =
    folders.length > 0 || here === undefined
      ? folders
      : [{ because: `${here} is an .sql file`, directory: '.' }];
  return found.map((evidence) => ({ tool: plain, evidence }));
}

/** What projects keep at their root and never run as a migration. */
const BESIDE_MIGRATIONS = /^(schema|structure|workload|seeds?)\.sql$/i;

function whichOf(root: string, found: readonly Found[]): string {
  const tools = new Set(found.map(({ tool }) => tool.name));
  const list = found.map(
    ({ tool, evidence }) => `  ${tool.name} in ${evidence.directory} (${evidence.because})`,
  );
  return [
    `${root} has ${tools.size > 1 ? 'more than one migration tool' : 'more than one migrations directory'}:`,
    ...list,
    tools.size > 1
      ? `Say which one is meant: --tool ${[...tools].join(' or --tool ')}, and --migrations with its directory.`
      : 'Say which one is meant: --migrations with its directory.',
  ].join('\n');
}

async function listPaths(root: string): Promise<readonly string[]> {
  const paths: string[] = [];
  const folders = [{ path: '', depth: 0 }];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const { path: parent, depth } = folder;
    const entries = await readdir(join(root, parent), { withFileTypes: true }).catch((cause: unknown) => {
      if (parent !== '') return [];
      throw new UsageError(`"${root}" cannot be read as a directory. Give the project's directory.`, {
        cause,
      });
    });
    for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      const path = parent === '' ? entry.name : `${parent}/${entry.name}`;
      const skipped = entry.name.startsWith('.') || SKIPPED.has(entry.name);
      if (entry.isDirectory() && !skipped && depth < MAX_DEPTH) folders.push({ path, depth: depth + 1 });
      if (entry.isFile()) paths.push(path);
    }
    if (paths.length > MAX_ENTRIES) {
      throw new UsageError(
        `"${root}" holds more than ${MAX_ENTRIES} files, too many to look for migrations. Give their directory ` +
          '(--migrations) and the tool (--tool).',
      );
    }
  }
  return paths;
}

/** A file that cannot be read is no evidence. */
function readSmall(path: string): string | null {
  try {
    return statSync(path).size > MAX_READ_BYTES ? null : readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
