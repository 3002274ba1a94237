/** The package as users get it: packed, installed into an empty project, used from the command line and by a program. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout } from './command.ts';
import { LIBRARY_SCRIPT, LIBRARY_USE, PROJECT, STRICT_TSCONFIG } from './package-project.ts';

/** The oldest that the package supports, beside the one that runs the tests. */
const OLDEST_SUPPORTED = '22.22';
const TOO_OLD = '18';

interface PackedFile {
  readonly path: string;
}

/** Two versions of Node.js, 50 MB each, come from the registry. */
const DOWNLOAD_LIMIT_MS = 600_000;

let directory = '';
let project = '';
let packed: readonly PackedFile[] = [];
/** Folders with a program `node`, to be put first on PATH. */
const nodes = { oldest: '', newest: dirname(process.execPath), tooOld: '' };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rehearse package '));
  project = join(directory, 'an empty project');
  await npm(['run', 'build'], checkout);
  const pack = await npm(['pack', '--ignore-scripts', '--json', '--pack-destination', directory], checkout);
  const [tarball] = JSON.parse(pack.stdout) as readonly { filename: string; files: readonly PackedFile[] }[];
  packed = tarball?.files ?? [];
  await writeProject();
  // No install script runs, as with npm 11, pnpm and bun: the package must not need one.
  await npm(['install', '--ignore-scripts', join(directory, tarball?.filename ?? '')], project);
  nodes.oldest = await installNode(OLDEST_SUPPORTED);
  nodes.tooOld = await installNode(TOO_OLD);
}, DOWNLOAD_LIMIT_MS);
afterAll(() => rm(directory, { recursive: true, force: true }));

/** The environment without what npm tells its scripts: it would send a nested npm to the checkout. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$/i.test(name)),
  );
}

function npm(args: readonly string[], cwd: string) {
  const env = { ...cleanEnvironment(), npm_config_audit: 'false', npm_config_fund: 'false' };
  return execa('npm', ['--prefer-offline', ...args], { cwd, env, extendEnv: false });
}

/** Installs a Node.js of its own; its folder of programs. */
async function installNode(version: string): Promise<string> {
  const prefix = join(directory, `node ${version}`);
  await mkdir(prefix);
  // Newer versions of npm run the script that fetches the binary only when it is allowed here.
  await writeFile(join(prefix, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }');
  await npm(['install', `node@${version}`], prefix);
  return join(prefix, 'node_modules/node/bin');
}

async function writeProject(): Promise<void> {
  for (const [path, text] of Object.entries(PROJECT)) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
  }
}

function inProject(node: string, program: string, ...args: string[]) {
  return execa(program, args, {
    cwd: project,
    env: { ...cleanEnvironment(), NO_COLOR: '1', PATH: `${node}${delimiter}${process.env.PATH}` },
    extendEnv: false,
    reject: false,
    timeout: 170_000,
    stdin: 'ignore',
  });
}

test('the tarball holds what is needed, and no tests', () => {
  const paths = packed.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'bin/rehearse.js',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/load/threads/worker.js',
      'dist/load/threads/ticker.js',
      'src/scenario/rehearsal.schema.json',
      'scenarios/postgres-add-column-behind-long-read/rehearsal.yaml',
    ]),
  );
  const unwanted = paths.filter((path) => /\.(test|fixture)\.|^tests\/|^bench\/|^src\/.*\.ts$/.test(path));
  expect(unwanted).toEqual([]);
});

test('every package that the compiled files import is a dependency', async () => {
  const { dependencies } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>;
  };
  const dist = join(project, 'node_modules/migration-rehearsal/dist');
  const files = (await readdir(dist, { recursive: true })).filter((path) => /\.(js|d\.ts)$/.test(path));
  const imported = new Set<string>();
  for (const file of files) {
    const text = await readFile(join(dist, file), 'utf8');
    const imports = /(?:^(?:import|export|\})[^'"\n]*? from |^import |\bimport\()['"]([^.'"][^'"]*)['"]/gm;
    for (const [, name = ''] of text.matchAll(imports)) {
      if (!isBuiltin(name)) imported.add(name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
    }
  }
  expect(imported).toContain('pg');
  expect([...imported].filter((name) => dependencies[name] === undefined)).toEqual([]);
});

test('the published JSON schema is found by its name', async () => {
  const script =
    "import schema from 'migration-rehearsal/rehearsal.schema.json' with { type: 'json' };" +
    'console.log(Object.keys(schema.properties).join());';
  const { stdout } = await inProject(nodes.oldest, 'node', '--input-type=module', '--eval', script);
  expect(stdout).toContain('migrations');
});

test('a strict TypeScript program compiles against the types, and a wrong key does not', async () => {
  await writeFile(join(project, 'library-use.ts'), LIBRARY_USE);
  await writeFile(join(project, 'tsconfig.json'), STRICT_TSCONFIG);
  const compiler = join(checkout, 'node_modules/.bin/tsc');
  const right = await inProject(nodes.newest, compiler, '--project', 'tsconfig.json');
  expect(right.stdout).toBe('');
  await writeFile(join(project, 'library-use.ts'), LIBRARY_USE.replace('rows: 2000', 'row: 2000'));
  const wrong = await inProject(nodes.newest, compiler, '--project', 'tsconfig.json');
  expect(wrong.stdout).toContain("'row' does not exist");
});

test('a Node.js that is too old is told so', async () => {
  const { stderr, exitCode } = await inProject(nodes.tooOld, 'node_modules/.bin/rehearse', '--version');
  expect(stderr).toMatch(/rehearse needs Node\.js 22\.22 or newer; this is 18\./);
  expect(stderr).not.toContain('    at ');
  expect(exitCode).toBe(2);
});

for (const which of ['oldest', 'newest'] as const) {
  test(`init, then run, in a project of dbmate files, on the ${which} supported Node.js`, async () => {
    const version = await inProject(nodes[which], 'npx', 'rehearse', '--version');
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+$/);

    const init = await inProject(nodes[which], 'npx', 'rehearse', 'init', '--force');
    expect(init.stderr).toContain('are of dbmate');
    expect(init.exitCode).toBe(0);
    const scenario = await readFile(join(project, 'rehearsal.yaml'), 'utf8');
    expect(scenario.split('\n', 1)[0]).toMatch(
      /\$schema=node_modules\/migration-rehearsal\/.*rehearsal\.schema\.json$/,
    );

    await writeFile(join(project, 'rehearsal.yaml'), scenario.replace(/(baseline|recovery): 10s/g, '$1: 2s'));
    const run = await inProject(nodes[which], 'npx', 'rehearse', 'run', '--rows', '5k', '--report', 'json=-');
    const report = JSON.parse(run.stdout) as Report;
    expect(report.recording.ended).toEqual({ how: 'completed' });
    expect(report.recording.steps.map(({ version, outcome }) => [version, outcome])).toEqual([
      ['20260301000000', 'applied'],
    ]);
    // A busy machine may make the load inconclusive; the migration breaks no budget.
    expect(['pass 0', 'inconclusive 3']).toContain(`${report.judgement.verdict} ${run.exitCode}`);
  });

  test(`a program rehearses, judges and renders, on the ${which} supported Node.js`, async () => {
    await writeFile(join(project, 'rehearse.mjs'), LIBRARY_SCRIPT);
    const { stdout, stderr } = await inProject(nodes[which], 'node', 'rehearse.mjs');
    const [verdict, ...markdown] = stdout.split('\n');
    expect(verdict, stderr).toBe('fail');
    expect(markdown.join('\n')).toMatch(/duration.*budget 0.001 ms/);
  });

  test(`a scenario in TypeScript is loaded, on the ${which} supported Node.js`, async () => {
    const run = await inProject(nodes[which], 'npx', 'rehearse', 'run', 'typed', '--rate', '1/s');
    expect(run.stderr).toContain('there is no file');
    expect(run.stderr).toContain('missing.sql');
    expect(run.exitCode).toBe(2);
  });
}

interface Report {
  readonly recording: {
    readonly ended: unknown;
    readonly steps: readonly { readonly version: string; readonly outcome: string }[];
  };
  readonly judgement: { readonly verdict: string };
}
