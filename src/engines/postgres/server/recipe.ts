/** How a Postgres server is made, started and set; read by the provisioners. */
import { join } from 'node:path';
import type { Command, EmbeddedLayout, Installation, ServerRecipe } from '../../engine.ts';
import { scramVerifier } from '../connections/roles.ts';
import { locateServer, whyMissing } from './binaries.ts';
import { isRuntimeSetting } from './runtime-settings.ts';
import { applySettings, settingsOf } from './settings.ts';

const SUPERUSER = 'postgres';
/** Every server has it: https://www.postgresql.org/docs/current/manage-ag-templatedbs.html */
const MAINTENANCE_DATABASE = 'postgres';

export const recipe: ServerRecipe = {
  defaultVersion: () => '18',
  flavorOf: () => 'postgres',
  settings: settingsOf,
  applySettings,
  isRuntimeSetting,
  container: {
    image: (_flavor, version) => `postgres:${version}`,
    port: 5432,
    /** Said to the image by PGDATA too, because the official image of 18 keeps its data elsewhere. */
    dataDirectory: '/var/lib/postgresql/data',
    settingsFile: null,
    administrator: { user: SUPERUSER, database: MAINTENANCE_DATABASE },
    environment: (password) => ({
      POSTGRES_USER: SUPERUSER,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: MAINTENANCE_DATABASE,
      PGDATA: '/var/lib/postgresql/data',
      // 10 to 13 would store md5 hashes otherwise; 14 and later do so by themselves.
      POSTGRES_INITDB_ARGS: '--auth-host=scram-sha-256',
    }),
    command: [],
    commandOnPort: (port) => ['postgres', '-p', String(port)],
    renew: (password) => ({ files: [], command: ['sh', '-c', RENEW_INSIDE, 'sh', renewal(password)] }),
  },
  embedded: {
    missing: whyMissing,
    locate: locateServer,
    initialise,
    renew,
    start,
    /** "Fast shutdown": sessions are ended, then a checkpoint; https://www.postgresql.org/docs/current/server-shutdown.html */
    stopSignal: 'SIGINT',
    administrator: (layout) => ({
      host: '127.0.0.1',
      port: layout.port,
      socket: hasSockets ? layout.socketDirectory : null,
      user: SUPERUSER,
      password: layout.password,
      database: MAINTENANCE_DATABASE,
      tls: false,
    }),
  },
};

const hasSockets = process.platform !== 'win32';

/** The server's messages and sort order must not depend on who runs the rehearsal. */
const environment = { LC_ALL: 'C', LANG: 'C' };

function initialise(installation: Installation, layout: EmbeddedLayout): readonly Command[] {
  return [
    {
      program: join(installation.binDirectory, 'initdb'),
      args: [
        `--pgdata=${layout.dataDirectory}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${layout.passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--no-locale',
        ...installation.initialiseArguments,
        // Nothing is worth keeping if the machine goes down now.
        '--no-sync',
      ],
      env: environment,
    },
  ];
}

/** As a SCRAM verifier: the password itself is in no log and no list of processes. */
function renewal(password: string): string {
  return `alter role ${SUPERUSER} password '${scramVerifier(password)}'`;
}

/**
 * The server alone on the data directory, reading statements from its input, before anybody can connect: the password
 * that was kept is never needed, nor is a moment in which none is asked for.
 * https://www.postgresql.org/docs/current/app-postgres.html#APP-POSTGRES-SINGLE-USER
 */
function renew(installation: Installation, layout: EmbeddedLayout): readonly Command[] {
  return [
    {
      program: join(installation.binDirectory, 'postgres'),
      args: ['--single', '-D', layout.dataDirectory, MAINTENANCE_DATABASE],
      env: environment,
      input: `${renewal(layout.password)}\n`,
    },
  ];
}

/** The images trust their own socket, which nobody outside of the container reaches; the server may still be starting. */
const RENEW_INSIDE = `
  tries=0
  until psql -X -q -v ON_ERROR_STOP=1 -U ${SUPERUSER} -d ${MAINTENANCE_DATABASE} -c "$1"; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || exit 1
    sleep 0.1
  done`;

function start(installation: Installation, layout: EmbeddedLayout): Command {
  const sockets = hasSockets ? `"${layout.socketDirectory.replaceAll('"', '""')}"` : '';
  return {
    program: join(installation.binDirectory, 'postgres'),
    args: [
      '-D',
      layout.dataDirectory,
      '-p',
      String(layout.port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `unix_socket_directories=${sockets}`,
    ],
    env: environment,
  };
}
