/**
 * Provisioner `embedded`: a real server from binaries on this machine, in a folder of its own below the temporary
 * folder. It listens on the loopback address and on a Unix socket, both only with a random password, and is stopped
 * and removed at the end.
 */
import { randomBytes } from 'node:crypto';
import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedLayout, Installation, SettingsProfile } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { type Cleanup, createCleanup } from './cleanup.ts';
import { runnableInstallation } from './copied-binaries.ts';
import { cacheDirectory } from './directories.ts';
import { keepData, makeData, type Running } from './embedded-data.ts';
import { startEmbeddedReplica } from './embedded-replica.ts';
import { launch, makeFolders, waitForServer } from './embedded-server.ts';
import { flushFiles } from './flushed-files.ts';
import { unlessAborted } from './interruption.ts';
import { holdNote } from './notes.ts';
import { findFreePort, isPortTaken } from './ports.ts';
import { blameSettings, profileAtStart, REHEARSED_DATABASE, refuseWrongSettings } from './profiles.ts';
import type { DataCopy, Keeping, KeptData, Provisioner, Server, ServerRequest } from './provisioner.ts';
import { openAdministrator } from './readiness.ts';
import type { ServerProcess } from './server-process.ts';
import { chooseServerUser, requireReachable } from './server-user.ts';

export const embedded: Provisioner = {
  name: 'embedded',
  unavailable: async ({ engine, database }) =>
    engine.recipe.embedded.missing({ ...database, cacheDirectory: await cacheDirectory() }),
  async fetch(request, signal) {
    await locate(request, signal);
  },
  keeping,
  start: startEmbedded,
};

async function locate({ engine, database, say }: ServerRequest, signal: AbortSignal): Promise<Installation> {
  return engine.recipe.embedded.locate({ ...database, cacheDirectory: await cacheDirectory(), say, signal });
}

/** Its last checkpoint may have gigabytes to write between the profiles. */
const RESTART_STOP_LIMIT_MS = 600_000;
/** Nothing is worth keeping at the end. */
const LAST_STOP_LIMIT_MS = 15_000;
/** Another program may take the port between finding it and using it; three times in a row is something else. */
const PORT_ATTEMPTS = 3;

async function keeping(request: ServerRequest, signal: AbortSignal): Promise<Keeping> {
  const { description, version, initialiseArguments } = await locate(request, signal);
  const build = ['embedded', description, version, ...initialiseArguments, process.platform, process.arch];
  return { build: build.join(' '), place: (folder) => ({ kind: 'directory', path: join(folder, 'data') }) };
}

async function startEmbedded(request: ServerRequest, signal: AbortSignal): Promise<Server> {
  refuseWrongSettings(request);
  const prepared = await prepare(request, signal);
  const note = await holdNote({});
  const cleanup = createCleanup(() => note.remove());
  try {
    const folders = await makeFolders(note, cleanup, prepared.user);
    return await startWithin({ ...prepared, ...folders, request, note, signal }, cleanup);
  } catch (error) {
    throw await cleanup.after(error);
  }
}

/** Finds the binaries, and who may run them. */
async function prepare(request: ServerRequest, signal: AbortSignal) {
  const installation = await runnableInstallation(await locate(request, signal), await cacheDirectory());
  const user = await chooseServerUser();
  const remedy =
    'Open it to others, or set REHEARSE_CACHE or database.binary to a folder that they can read.';
  await requireReachable(user, installation.binDirectory, remedy);
  return { installation, user };
}

type Prepared = Omit<Running, 'layout' | 'logFile'> & { readonly socketDirectory: string };

/** Makes the data directory, starts the server and goes over to the filling profile. */
async function startWithin(prepared: Prepared, cleanup: Cleanup): Promise<Server> {
  const { request, installation, user, directory, socketDirectory } = prepared;
  const password = randomBytes(24).toString('base64url');
  const layout: EmbeddedLayout = {
    dataDirectory: join(directory, 'data'),
    socketDirectory,
    port: await findFreePort(),
    passwordFile: join(directory, 'password'),
    password,
    settingsFile: join(directory, 'settings.cnf'),
  };
  await writeFile(layout.passwordFile, password, { mode: 0o600 });
  await writeFile(layout.settingsFile, '', { mode: 0o600 });
  for (const file of [layout.passwordFile, layout.settingsFile])
    if (user !== null) await chown(file, user.uid, user.gid);
  const running: Running = { ...prepared, layout, logFile: join(directory, 'server.log') };

  request.say(`starting ${installation.description}${user === null ? '' : ` as the user "${user.name}"`}`);
  const forked = await makeData(running);
  await rm(layout.passwordFile);
  return runServer(running, cleanup, forked);
}

/** Starts the process, and again for each profile; owns it until the server is disposed of. */
async function runServer(prepared: Running, cleanup: Cleanup, forked: DataCopy | null): Promise<Server> {
  let server: ServerProcess | null = null;
  cleanup.add(async () => server?.stop(LAST_STOP_LIMIT_MS));
  const start = async (running: Running): Promise<string> => {
    server = await launch(running);
    return waitForServer(running, server);
  };
  const { running, version } = await startOnFreePort(prepared, start, () => server?.ended ?? null);

  const { request, installation, layout, signal } = running;
  const { engine, database } = request;
  const administrator = engine.recipe.embedded.administrator(layout);
  let profile = profileAtStart(request);
  const useProfile = async (wanted: SettingsProfile): Promise<void> => {
    if (wanted === profile) return;
    if (server?.ended) throw new EnvironmentError(`the server is gone: its process ended by ${server.ended}`);
    {
      await using session = await openAdministrator(engine, administrator, signal);
      await engine.recipe.applySettings(session, engine.recipe.settings(wanted, database.settings), (text) =>
        writeFile(layout.settingsFile, text),
      );
    }
    if (server !== null) await unlessAborted(signal, server.stop(RESTART_STOP_LIMIT_MS));
    if (profile === 'filling') await flushFiles(layout.dataDirectory, signal);
    await start(running).catch((error: unknown) => {
      throw blameSettings(error, database.settings, signal);
    });
    profile = wanted;
  };
  if (forked === null) await useProfile('filling');
  const whileStopped = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (server !== null) await unlessAborted(signal, server.stop(RESTART_STOP_LIMIT_MS));
    try {
      return await work();
    } finally {
      await start(running);
    }
  };
  const keep = async (place: KeptData): Promise<DataCopy> => {
    if (place.kind !== 'directory') throw new Error(`an embedded server is not kept in a ${place.kind}`);
    return whileStopped(() => keepData(running, place.path));
  };
  return {
    role: request.role,
    administrator,
    version,
    description: installation.description,
    dataDirectory: { path: layout.dataDirectory },
    programs: { directory: installation.binDirectory },
    database: REHEARSED_DATABASE,
    useProfile,
    forked,
    keep,
    replica: (following) => startEmbeddedReplica({ running, whileStopped }, following),
    [Symbol.asyncDispose]: () => cleanup.run(),
  };
}

/** The first start may move to another port; later ones keep it, since others know it by then. */
async function startOnFreePort(
  prepared: Running,
  start: (running: Running) => Promise<string>,
  ended: () => string | null,
): Promise<{ readonly running: Running; readonly version: string }> {
  let running = prepared;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { running, version: await start(running) };
    } catch (error) {
      const portLost = ended() !== null && (await isPortTaken(running.layout.port));
      if (!portLost || attempt === PORT_ATTEMPTS) throw error;
      running = { ...running, layout: { ...running.layout, port: await findFreePort() } };
    }
  }
}
