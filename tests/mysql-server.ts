/** A real MySQL or MariaDB in a container, for the tests of that engine's folder. */
import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import type { RoleTargets, Session } from '../src/engines/engine.ts';
import { connections } from '../src/engines/mysql/connections.ts';
import { containersMissing } from './containers.ts';
import { eventually } from './server.ts';

/** Those of ENGINES (`ENGINES=mysql:9.7,mariadb:10.11`), otherwise one of each flavor. */
export const MYSQL_IMAGES: readonly string[] = (() => {
  const named = (process.env.ENGINES ?? '').split(',').filter((name) => /^(mysql|mariadb):/.test(name));
  return named.length > 0 ? named : ['mysql:9.7', 'mariadb:11.8'];
})();

/** Why the tests of an image cannot run, by image; null where they can. */
export const MYSQL_MISSING: ReadonlyMap<string, string | null> = new Map(
  await Promise.all(MYSQL_IMAGES.map(async (image) => [image, await containersMissing(image)] as const)),
);

export interface MysqlTestServer extends AsyncDisposable {
  readonly roles: RoleTargets;
  /** As the host sees it. */
  readonly dataDirectory: string;
  connect(role: keyof RoleTargets, applicationName?: string): Promise<Session>;
}

const DATABASE = 'shop';
const START_LIMIT_MS = 120_000;

/** As a rehearsal sets the server: the performance schema on, with the metadata-lock instrument; binary log on. */
const ARGUMENTS = [
  '--performance-schema=ON',
  '--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON',
  '--log-bin=binlog',
  '--server-id=1',
];

export async function startMysql(image: string, more: readonly string[] = []): Promise<MysqlTestServer> {
  const name = `rehearse-test-${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await docker(
    ...['run', '--detach', '--name', name, '--publish', '127.0.0.1::3306', '--volume', '/var/lib/mysql'],
    ...['--env', `MYSQL_ROOT_PASSWORD=${password}`, image],
    ...[image.startsWith('mariadb') ? 'mariadbd' : 'mysqld', ...ARGUMENTS, ...more],
  );
  const remove = async (): Promise<void> => void (await docker('rm', '--force', '--volumes', name));
  try {
    const port = Number((await docker('port', name, '3306/tcp')).split('\n')[0]?.split(':').at(-1));
    const mounts = await docker('inspect', '--format', '{{(index .Mounts 0).Source}}', name);
    const target = {
      host: '127.0.0.1',
      port,
      socket: null,
      user: 'root',
      password,
      database: 'mysql',
      tls: false,
    };
    const administrator = await eventually(
      `${image} answers`,
      () => connections.connect(target, { applicationName: 'test' }).catch(() => null),
      START_LIMIT_MS,
    );
    const roles = await connections.createRoles(administrator, DATABASE);
    await administrator[Symbol.asyncDispose]();
    return {
      roles,
      dataDirectory: mounts.trim(),
      connect: (role, applicationName = `test ${role}`) =>
        connections.connect(roles[role], { applicationName }),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function docker(...args: readonly string[]): Promise<string> {
  return (await execa('docker', [...args], { timeout: 60_000 })).stdout;
}
