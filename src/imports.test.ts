/** Reads every import line and fails on an edge that the house plan does not allow. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const sourceRoot = dirname(fileURLToPath(import.meta.url));

/** Importable by every part: errors, what a thread is started with, the words of the plan and of a recording. */
const everyones = new Set([
  'errors.ts',
  'compiled.ts',
  'scenario/plan.ts',
  'recording/recording.ts',
  'recording/figure.ts',
  'profile/profile.ts',
]);

/** part -> parts it may import; an interface file stands for itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  cli: ['commands', 'version'],
  index: ['scenario', 'rehearse', 'judge', 'reporters', 'checks', 'recording', 'progress', 'planning'],
  commands: [
    'scenario',
    'rehearse',
    'judge',
    'reporters',
    'checks',
    'recording',
    'progress',
    'expected',
    'version',
    'engines',
    'load/index.ts',
    'phases/workload.ts',
    'planning',
    'provisioners',
    'profile',
    'seed',
    'snapshots',
    'verify',
  ],
  // What is wrong with a workload file is said with what is wrong with the scenario.
  planning: ['dumps', 'engines', 'load/index.ts', 'provisioners', 'scenario', 'tools'],
  seed: ['phases', 'engines', 'tools', 'progress', 'recording', 'verify', 'version'],
  rehearse: ['phases', 'engines', 'tools', 'progress', 'recording', 'version'],
  phases: [
    'engines',
    'provisioners',
    'seeders',
    'dumps',
    'generators/generator.ts',
    'profile',
    'verify',
    'load',
    'tools',
    'observers',
    'drills',
    'snapshots',
    'recording',
    'progress',
  ],
  snapshots: ['engines', 'generators/generator.ts', 'provisioners', 'recording', 'version'],
  provisioners: ['engines'],
  /** Client programs run where the server is, and are noted like it. */
  dumps: ['engines', 'generators', 'provisioners', 'recording', 'seeders'],
  seeders: ['engines', 'generators', 'recording'],
  generators: ['engines/engine.ts'],
  // Compares with what the generators were to make, and prints as reports do.
  verify: ['engines', 'generators', 'reporters/format.ts', 'reporters/layout.ts'],
  // A load generator of others is a process, noted like a server.
  load: ['engines', 'generators', 'provisioners', 'recording'],
  observers: ['engines', 'provisioners/provisioner.ts', 'recording'],
  drills: ['engines', 'recording'],
  tools: ['engines', 'recording'],
  engines: ['recording'],
  judge: ['checks', 'recording'],
  expected: ['checks', 'recording'],
  checks: ['recording'],
  reporters: ['checks', 'recording'],
  profile: [],
  scenario: [],
  recording: [],
  progress: [],
  errors: [],
  version: [],
};

/** Folders whose sub-folders are separate implementations. */
const implementationFolders = ['engines'];

interface Edge {
  readonly from: string;
  readonly to: string;
}

function sources(): readonly string[] {
  return globSync('**/*.ts', { cwd: sourceRoot }).filter((file) => !file.endsWith('.test.ts'));
}

function edges(): readonly Edge[] {
  return sources().flatMap((from) => {
    const text = readFileSync(join(sourceRoot, from), 'utf8');
    const imports = text.matchAll(
      /^\s*(?:import|export)\b[^'"`;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm,
    );
    return [...imports].map((match) => ({
      from,
      to: relative(sourceRoot, join(sourceRoot, dirname(from), match[1] ?? match[2] ?? '')),
    }));
  });
}

function partOf(file: string): string {
  return file.split('/')[0]?.replace(/\.ts$/, '') ?? file;
}

function isAllowed({ from, to }: Edge): boolean {
  if (everyones.has(to)) return true;
  const part = partOf(from);
  if (part === partOf(to)) {
    const [, implementation] = from.split('/');
    const [, other] = to.split('/');
    const bothNested = from.split('/').length > 2 && to.split('/').length > 2;
    return !(implementationFolders.includes(part) && bothNested && implementation !== other);
  }
  return (allowed[part] ?? []).some((target) => target === to || target === partOf(to)) && !reachesInside(to);
}

/** An engine's own folder is reached through engines/index.ts and engine.ts alone. */
function reachesInside(to: string): boolean {
  return implementationFolders.some((folder) => to.startsWith(`${folder}/`) && to.split('/').length > 2);
}

test('every import follows the house plan', () => {
  const found = edges();
  expect(found.length).toBeGreaterThan(50);
  expect(found.filter((edge) => !isAllowed(edge)).map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('no source file is longer than 300 lines', () => {
  const long = sources().filter(
    (file) => readFileSync(join(sourceRoot, file), 'utf8').split('\n').length > 301,
  );
  expect(long).toEqual([]);
});

test('no engine is told by its name outside the engines folder', () => {
  const offenders = sources().filter(
    (file) =>
      !file.startsWith('engines/') &&
      /(?:engine|flavor|name)\s*[!=]==?\s*'(?:postgres|mysql|mariadb)'|'(?:postgres|mysql|mariadb)'\s*[!=]==?/.test(
        readFileSync(join(sourceRoot, file), 'utf8'),
      ),
  );
  expect(offenders).toEqual([]);
});
