/**
 * Where the binaries of an embedded server come from, in this order:
 *
 *  1. `database.binary`: a folder with a server of the user's own
 *  2. PATH, and the folders of the system that are seldom on it
 *  3. MySQL alone: a server fetched before, in our cache, or fetched now (see fetched.ts)
 */
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { EnvironmentError, UsageError } from '../../../errors.ts';
import type { Installation, LocateRequest } from '../../engine.ts';
import { flavorOf } from '../connections/client.ts';
import { cachedServer, cannotFetch, fetchServer } from './fetched.ts';

type Wanted = Pick<LocateRequest, 'flavor' | 'version' | 'binary' | 'cacheDirectory'>;

const ASK_TIMEOUT_MS = 30_000;
/** Debian and its like keep servers where only root's PATH looks. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec', '/usr/local/mysql/bin'];
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  mysql: ['mysqld'],
  mariadb: ['mariadbd', 'mysqld'],
};

export async function whyMissing(wanted: Wanted): Promise<string | null> {
  if (wanted.binary !== null) return null;
  if ((await onPath(wanted)) !== null) return null;
  const name = `${wanted.flavor}${wanted.version === null ? '' : ` ${wanted.version}`}`;
  const remedy = 'install one, set database.binary, or use provision: container';
  if (wanted.flavor === 'mariadb') return `no server of ${name} is on PATH: ${remedy}`;
  if ((await cachedServer(wanted)) !== null) return null;
  const reason = await cannotFetch();
  return reason === null
    ? null
    : `no server of ${name} is on PATH, and none can be fetched (${reason}): ${remedy}`;
}

export async function locateServer(request: LocateRequest): Promise<Installation> {
  if (request.binary !== null) return ownServer(request.binary, request);
  const found = await onPath(request);
  if (found !== null) return found;
  if (request.flavor === 'mariadb')
    throw new EnvironmentError(
      `no server of mariadb ${request.version ?? ''} is on PATH: install one, set database.binary, or use provision: container.`,
    );
  const program = (await cachedServer(request)) ?? (await fetchServer(request));
  const installation = await installationOf(program);
  if (installation !== null) return installation;
  throw new EnvironmentError(`the server that was fetched does not run on this machine: "${program}"`);
}

async function ownServer(folder: string, request: LocateRequest): Promise<Installation> {
  for (const directory of [folder, join(folder, 'bin'), join(folder, 'sbin')])
    for (const name of ['mysqld', 'mariadbd']) {
      const program = join(directory, name);
      if (!(await exists(program))) continue;
      const installation = await installationOf(program);
      if (installation === null) throw new EnvironmentError(`database.binary: "${program}" does not run`);
      requireWanted(installation, request, folder);
      return installation;
    }
  throw new UsageError(
    `database.binary: "${folder}" holds no server. Give the folder with the program "mysqld" or "mariadbd", such as /usr/sbin.`,
  );
}

function requireWanted(found: Installation, { flavor, version }: LocateRequest, folder: string): void {
  if (found.flavor !== flavor)
    throw new UsageError(
      `database.binary: "${folder}" holds ${found.flavor} ${found.version}, but database.engine says "${flavor}". Correct one.`,
    );
  if (version !== null && !matches(found.version, version))
    throw new UsageError(
      `database.binary: "${folder}" holds ${found.flavor} ${found.version}, but database.version says "${version}". Correct one.`,
    );
}

async function onPath({ flavor, version }: Wanted): Promise<Installation | null> {
  const folders = [
    ...(process.env.PATH ?? '').split(':').filter((folder) => folder !== ''),
    ...SYSTEM_FOLDERS,
  ];
  for (const folder of new Set(folders))
    for (const name of PROGRAMS[flavor] ?? []) {
      const program = join(folder, name);
      if (!(await exists(program))) continue;
      const found = await installationOf(program);
      if (found?.flavor === flavor && (version === null || matches(found.version, version))) return found;
    }
  return null;
}

/** What a program says of itself; null when it does not run or is something else. */
async function installationOf(program: string): Promise<Installation | null> {
  const { stdout, failed } = await execa(program, ['--no-defaults', '--version'], {
    reject: false,
    timeout: ASK_TIMEOUT_MS,
  });
  const version = /\bVer (\d+(?:\.\d+)+)/.exec(stdout ?? '')?.[1];
  if (failed || version === undefined) return null;
  const flavor = flavorOf(stdout ?? '');
  const binDirectory = dirname(program);
  const root = dirname(binDirectory);
  return {
    flavor,
    root,
    binDirectory,
    version,
    description: `${flavor === 'mariadb' ? 'MariaDB' : 'MySQL'} ${version} from ${binDirectory}`,
    initialiseArguments: flavor === 'mariadb' ? [await installScript(root, binDirectory)] : [],
    copy: null,
  };
}

/** A shell script that lies elsewhere in each kind of package. */
async function installScript(root: string, binDirectory: string): Promise<string> {
  for (const folder of [binDirectory, join(root, 'bin'), join(root, 'scripts')])
    for (const name of ['mariadb-install-db', 'mysql_install_db'])
      if (await exists(join(folder, name))) return join(folder, name);
  throw new EnvironmentError(
    `"${binDirectory}" holds MariaDB without mariadb-install-db, which makes its data directory: install it too, or set ` +
      'database.binary to a whole server.',
  );
}

/** "9" and "9.7" are matched by 9.7.4, "9.70" is not. */
export function matches(version: string, wanted: string): boolean {
  const parts = version.split('.').map(Number);
  return wanted.split('.').every((part, index) => parts[index] === Number(part));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
