/**
 * A MySQL server from the vendor's site, found and fetched by the npm package mysql-memory-server, whose own way to run it
 * is not used.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { EnvironmentError } from '../../../errors.ts';
import type { LocateRequest } from '../../engine.ts';

type Wanted = Pick<LocateRequest, 'version' | 'cacheDirectory'>;

/** What is used of it is not its public interface, so that the version is fixed. */
const PACKAGE = 'mysql-memory-server';
const PACKAGE_VERSION = '1.16.0';
/** Enough for the package on a slow line. */
const INSTALL_TIMEOUT_MS = 120_000;
/** Enough for 900 MB. */
const FETCH_TIMEOUT_MS = 1_200_000;
const ASK_TIMEOUT_MS = 30_000;
/** The newest one that the package knows how to find when none is asked for. */
const DEFAULT_VERSION = '9.x';
/** npm would leave its compile cache in the temporary folder. */
const ENVIRONMENT = { NODE_DISABLE_COMPILE_CACHE: '1' };

/** Prints the path of the server's program. It downloads below the temporary folder, which is ours here. */
const DOWNLOAD = `
  const [root, version] = process.argv.slice(1);
  const find = require(root + '/dist/src/libraries/Version').default;
  const { downloadBinary } = require(root + '/dist/src/libraries/Downloader');
  const { DEFAULT_OPTIONS } = require(root + '/dist/src/constants');
  const Logger = require(root + '/dist/src/libraries/Logger').default;
  const options = { ...DEFAULT_OPTIONS, version, downloadBinaryOnce: false };
  const done = (path) => console.log('program=' + path);
  const failed = (error) => { console.error(String(error?.message ?? error)); process.exitCode = 1; };
  try { downloadBinary(find(version, options.arch), options, new Logger('ERROR')).then(done, failed); }
  catch (error) { failed(error); }`;

/** Path of the program of a server that was fetched before; null when there is none. */
export async function cachedServer({ version, cacheDirectory }: Wanted): Promise<string | null> {
  return programBelow(entryOf(cacheDirectory, version));
}

/** Why nothing can be fetched here, or null; does not try to. */
export async function cannotFetch(): Promise<string | null> {
  if (process.platform === 'win32') return 'not on Windows';
  const npm = await execa('npm', ['--version'], { reject: false, timeout: ASK_TIMEOUT_MS, env: ENVIRONMENT });
  return npm.exitCode === 0 ? null : 'npm is not on PATH';
}

/** Fetches into a folder of its own and renames it, so that a cache entry is whole or absent. */
export async function fetchServer(request: LocateRequest): Promise<string> {
  const { version, cacheDirectory, say, signal } = request;
  const entry = entryOf(cacheDirectory, version);
  const name = `MySQL ${version ?? DEFAULT_VERSION}`;
  say(
    `fetching ${name} (up to 900 MB, once; found by the npm package ${PACKAGE}@${PACKAGE_VERSION}) into ${entry}`,
  );
  const folder = join(cacheDirectory, 'packages');
  await mkdir(folder, { recursive: true });
  const unfinished = await mkdtemp(join(folder, '.fetching-'));
  try {
    await run('npm', installArguments(unfinished), {
      name,
      signal,
      timeout: INSTALL_TIMEOUT_MS,
      folder: unfinished,
    });
    const root = join(unfinished, 'node_modules', PACKAGE);
    const args = ['-e', DOWNLOAD, root, version ?? DEFAULT_VERSION];
    await run(process.execPath, args, { name, signal, timeout: FETCH_TIMEOUT_MS, folder: unfinished });
    await rename(unfinished, entry).catch(async (error: unknown) => {
      if ((await programBelow(entry)) === null) throw error; // another rehearsal was quicker
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  const program = await programBelow(entry);
  if (program === null)
    throw new EnvironmentError(`what was fetched for ${name} holds no server: "${entry}"`);
  return program;
}

function entryOf(cacheDirectory: string, version: string | null): string {
  return join(
    cacheDirectory,
    'packages',
    `mysql-${process.platform}-${process.arch}-${version ?? DEFAULT_VERSION}`,
  );
}

function installArguments(prefix: string): readonly string[] {
  const quiet = [
    '--ignore-scripts',
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--fetch-retries=0',
  ];
  return ['install', '--prefix', prefix, ...quiet, `${PACKAGE}@${PACKAGE_VERSION}`];
}

interface Run {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly timeout: number;
  readonly folder: string;
}

async function run(
  program: string,
  args: readonly string[],
  { name, signal, timeout, folder }: Run,
): Promise<void> {
  const result = await execa(program, args, {
    cwd: folder,
    env: { ...ENVIRONMENT, TMPDIR: folder },
    reject: false,
    stdin: 'ignore',
    timeout,
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  if (!result.failed) return;
  const said = result.stderr.trim().split('\n').slice(0, 3).join('; ');
  throw new EnvironmentError(
    `${name} is neither on PATH nor in the cache, and it could not be fetched: ${said || result.shortMessage}. ` +
      'Go online once, set database.binary to a server of your own, or use provision: container.',
  );
}

async function programBelow(folder: string): Promise<string | null> {
  const paths = await readdir(folder, { recursive: true }).catch(() => []);
  const found = paths.find((path) => /(?:^|\/)bin\/mysqld$/.test(path));
  return found === undefined ? null : join(folder, found);
}
