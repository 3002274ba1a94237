/** How a MySQL or MariaDB server is made, started and set; read by the provisioners. */
import { dirname, join } from 'node:path';
import type { Command, EmbeddedLayout, Installation, ServerRecipe } from '../../engine.ts';
import { flavorOf } from '../connections/client.ts';
import { locateServer, whyMissing } from './binaries.ts';
import { isRuntimeSetting } from './runtime-settings.ts';
import { applySettings, settingsOf } from './settings.ts';

const SUPERUSER = 'root';
/** Every server has it. */
const MAINTENANCE_DATABASE = 'mysql';

export const recipe: ServerRecipe = {
  defaultVersion: (flavor) => (flavor === 'mariadb' ? '11.8' : '9.7'),
  flavorOf,
  settings: settingsOf,
  applySettings,
  isRuntimeSetting,
  container: {
    image: (flavor, version) => `${flavor}:${version}`,
    port: 3306,
    dataDirectory: '/var/lib/mysql',
    /** The official images of both flavors read every file of this folder. */
    settingsFile: '/etc/mysql/conf.d/zz-rehearse.cnf',
    administrator: { user: SUPERUSER, database: MAINTENANCE_DATABASE },
    environment: (password) => ({ MYSQL_ROOT_PASSWORD: password, MARIADB_ROOT_PASSWORD: password }),
    command: [],
    commandOnPort: (port, settingsFile) => [
      // Has to come first.
      ...(settingsFile === null ? [] : [`--defaults-extra-file=${settingsFile}`]),
      `--port=${port}`,
      // Its port is taken by the server whose network this one shares.
      '--loose-mysqlx=OFF',
    ],
    renew: (password) => ({
      files: [
        { path: '/etc/mysql/conf.d/zz-rehearse-fork.cnf', text: `[mysqld]\ninit_file = ${FORK_INIT_FILE}\n` },
        { path: FORK_INIT_FILE, text: superusers.map((user) => renewal(user, password)).join('') },
      ],
      command: null,
    }),
  },
  embedded: {
    missing: whyMissing,
    locate: locateServer,
    initialise,
    renew: (_installation, layout) => [writePassword(layout)],
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
  return [made, writePassword(layout)];
}

function writePassword(layout: EmbeddedLayout): Command {
  return {
    program: '/bin/sh',
    args: ['-c', WRITE_INIT_FILE, 'sh', layout.passwordFile, initFileOf(layout)],
    env: {},
  };
}

/** Run at every start of the container, before anybody can connect. */
const FORK_INIT_FILE = '/etc/mysql/rehearse-fork.sql';
/** The images make both. */
const superusers = ["'root'@'localhost'", "'root'@'%'"];

/** One statement on one line, as an init file wants it; the password is of letters, digits, `-` and `_`. */
function renewal(user: string, password: string): string {
  return `alter user if exists ${user} identified by '${password}';\n`;
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
