/** How a MySQL or MariaDB server is made, started and set; read by the provisioners. */
import { dirname, join } from 'node:path';
import type { Command, EmbeddedLayout, Installation, ServerRecipe } from '../engine.ts';
import { locateServer, whyMissing } from './binaries.ts';
import { flavorOf } from './client.ts';
import { applySettings, settingsOf } from './settings.ts';

const SUPERUSER = 'root';
/** Every server has it. */
const MAINTENANCE_DATABASE = 'mysql';

export const recipe: ServerRecipe = {
  defaultVersion: (flavor) => (flavor === 'mariadb' ? '11.8' : '9.7'),
  flavorOf,
  settings: settingsOf,
  applySettings,
  container: {
    image: (flavor, version) => `${flavor}:${version}`,
    port: 3306,
    dataDirectory: '/var/lib/mysql',
    /** The official images of both flavors read every file of this folder. */
    settingsFile: '/etc/mysql/conf.d/zz-rehearse.cnf',
    administrator: { user: SUPERUSER, database: MAINTENANCE_DATABASE },
    environment: (password) => ({ MYSQL_ROOT_PASSWORD: password, MARIADB_ROOT_PASSWORD: password }),
    command: [],
  },
  embedded: {
    missing: whyMissing,
    locate: locateServer,
    initialise,
    start,
    stopSignal: 'SIGTERM',
    administrator: (layout) => ({
      host: '127.0.0.1',
      port: layout.port,
      socket: socketOf(layout),
      user: SUPERUSER,
      password: layout.password,
      database: MAINTENANCE_DATABASE,
      tls: false,
    }),
  },
};

/** The server's messages must not depend on who runs the rehearsal. */
const environment = { LC_ALL: 'C', LANG: 'C' };

const socketOf = (layout: EmbeddedLayout): string => join(layout.socketDirectory, 'mysqld.sock');
/** Run at every start, before anybody can connect: it gives the superuser, who has none, the password. */
const initFileOf = (layout: EmbeddedLayout): string => join(dirname(layout.passwordFile), 'superuser.sql');

/** The password is of letters, digits, `-` and `_`. */
const WRITE_INIT_FILE = `
  umask 077
  printf "alter user 'root'@'localhost' identified by '%s';\\n" "$(cat "$1")" > "$2"`;

/** MySQL makes its data directory itself, MariaDB by a script beside it. */
function initialise(installation: Installation, layout: EmbeddedLayout): readonly Command[] {
  const made: Command =
    installation.flavor === 'mariadb'
      ? {
          program: '/bin/sh',
          args: [
            ...installation.initialiseArguments,
            '--no-defaults',
            `--basedir=${installation.root}`,
            `--datadir=${layout.dataDirectory}`,
            '--auth-root-authentication-method=normal',
            '--skip-test-db',
          ],
          env: environment,
        }
      : {
          program: join(installation.binDirectory, 'mysqld'),
          args: [
            '--no-defaults',
            '--initialize-insecure',
            `--datadir=${layout.dataDirectory}`,
            `--secure-file-priv=${layout.socketDirectory}`,
          ],
          env: environment,
        };
  const password: Command = {
    program: '/bin/sh',
    args: ['-c', WRITE_INIT_FILE, 'sh', layout.passwordFile, initFileOf(layout)],
    env: {},
  };
  return [made, password];
}

function start(installation: Installation, layout: EmbeddedLayout): Command {
  const program = installation.flavor === 'mariadb' ? 'mariadbd' : 'mysqld';
  return {
    program: join(installation.binDirectory, program),
    args: [
      // Has to come first; files of the machine are not read.
      `--defaults-file=${layout.settingsFile}`,
      `--datadir=${layout.dataDirectory}`,
      `--socket=${socketOf(layout)}`,
      `--port=${layout.port}`,
      '--bind-address=127.0.0.1',
      `--pid-file=${join(layout.socketDirectory, 'mysqld.pid')}`,
      `--secure-file-priv=${layout.socketDirectory}`,
      `--init-file=${initFileOf(layout)}`,
      '--loose-mysqlx=OFF',
    ],
    env: environment,
  };
}
