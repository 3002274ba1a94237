/**
 * Provisioner `container`: the server of an image, on the Docker engine that is found. Its data directory is a volume,
 * never the overlay file system, whose first write to each file copies the whole file.
 */
import { randomBytes } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import type { ConnectionTarget, SettingsProfile } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { type Cleanup, createCleanup } from './cleanup.ts';
import {
  containerLogTail,
  containerState,
  createVolume,
  type DockerEngine,
  findDocker,
  hasImage,
  pullImage,
  removeContainer,
  removeVolume,
  restartContainer,
  runInContainer,
  runProgram,
  startContainer,
  volumePath,
} from './docker.ts';
import { unlessAborted } from './interruption.ts';
import { holdNote } from './notes.ts';
import { LOOPBACK } from './ports.ts';
import { blameSettings, REHEARSED_DATABASE, refuseWrongSettings } from './profiles.ts';
import type { Provisioner, Server, ServerRequest } from './provisioner.ts';
import { openAdministrator, START_LIMIT_MS, waitUntilReady } from './readiness.ts';

export const container: Provisioner = {
  name: 'container',
  unavailable: async () => {
    const docker = await findDocker();
    return 'missing' in docker ? docker.missing : null;
  },
  start: startInContainer,
};

/** Its last checkpoint may have gigabytes to write between the profiles. */
const RESTART_STOP_LIMIT_MS = 600_000;

interface Running {
  readonly request: ServerRequest;
  readonly name: string;
  readonly administrator: ConnectionTarget;
  readonly signal: AbortSignal;
}

async function startInContainer(request: ServerRequest, signal: AbortSignal): Promise<Server> {
  refuseWrongSettings(request);
  const docker = await findDocker();
  if ('missing' in docker) throw new EnvironmentError(docker.missing);
  signal.throwIfAborted();
  const name = `rehearse-${request.role}-${randomBytes(6).toString('hex')}`;
  const note = await holdNote({ container: name, volume: name });
  const cleanup = createCleanup(() => note.remove());
  try {
    return await startWithin(cleanup, { request, docker, name, signal });
  } catch (error) {
    throw await cleanup.after(error);
  }
}

interface Start {
  readonly request: ServerRequest;
  readonly docker: DockerEngine;
  readonly name: string;
  readonly signal: AbortSignal;
}

async function startWithin(cleanup: Cleanup, { request, docker, name, signal }: Start): Promise<Server> {
  const { engine, database, role } = request;
  const image = imageOf(request);
  const administrator = await runContainer(cleanup, { request, docker, name, signal, image });
  const running: Running = { request, name, administrator, signal };
  const version = await ready(running);

  let profile: SettingsProfile | null = null;
  const useProfile = async (wanted: SettingsProfile): Promise<void> => {
    {
      await using session = await openAdministrator(engine, administrator, signal);
      await engine.recipe.applySettings(session, engine.recipe.settings(wanted, database.settings), (text) =>
        writeSettings(running, text),
      );
    }
    await unlessAborted(signal, restartContainer(name, RESTART_STOP_LIMIT_MS));
    await ready(running).catch((error: unknown) => {
      throw blameSettings(error, database.settings, signal);
    });
    // What was filled without fsync would otherwise be written out in the middle of the baseline.
    if (profile === 'filling') await unlessAborted(signal, runInContainer(name, ['sync']));
    profile = wanted;
  };
  await useProfile('filling');
  return {
    role,
    administrator,
    version,
    description: `${image} in a container of Docker ${docker.version}${docker.local ? '' : ` on ${docker.host}`}`,
    dataDirectory: await readableVolume(name, docker),
    programs: {
      where: `the container ${name}`,
      host: LOOPBACK,
      port: engine.recipe.container.port,
      run: (run, aborted) => runProgram(name, run, aborted),
    },
    database: REHEARSED_DATABASE,
    useProfile,
    [Symbol.asyncDispose]: () => cleanup.run(),
  };
}

function imageOf({ engine, database }: ServerRequest): string {
  const { recipe } = engine;
  return (
    database.image ??
    recipe.container.image(database.flavor, database.version ?? recipe.defaultVersion(database.flavor))
  );
}

async function runContainer(
  cleanup: Cleanup,
  { request, docker, name, image, signal }: Start & { readonly image: string },
): Promise<ConnectionTarget> {
  const { engine, say } = request;
  if (!(await hasImage(image))) await pull(image, request, signal);
  const recipe = engine.recipe.container;
  const password = randomBytes(24).toString('base64url');
  cleanup.add(() => removeVolume(name));
  await createVolume(name);
  cleanup.add(() => removeContainer(name));
  say(`starting ${image} in a container of Docker ${docker.version}`);
  const environment = recipe.environment(password);
  const { stopSignal } = engine.recipe.embedded;
  const wanted = { ...recipe, name, volume: name, image, environment, stopSignal };
  const port = await startContainer(wanted, docker).catch((cause: unknown) => {
    throw new EnvironmentError(`Docker cannot start a container of the image "${image}"`, { cause });
  });
  return { host: docker.host, port, socket: null, password, tls: false, ...recipe.administrator };
}

async function pull(
  image: string,
  { engine, database, say }: ServerRequest,
  signal: AbortSignal,
): Promise<void> {
  say(`pulling the image ${image}`);
  await pullImage(image, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    const version = database.version ?? engine.recipe.defaultVersion(database.flavor);
    const remedy =
      database.image === null
        ? `Build it with docker/build-image.sh ${database.flavor} ${version} (docker/README.md), or set database.image.`
        : 'Load or build it, or correct database.image.';
    throw new EnvironmentError(`the image "${image}" is not there and could not be pulled. ${remedy}`, {
      cause,
    });
  });
}

/** A server reads no settings that others may write. */
const WRITE_SETTINGS = `
  umask 022
  mkdir -p "$(dirname "$2")"
  printf '%s' "$1" > "$2"`;

async function writeSettings({ request, name }: Running, text: string): Promise<void> {
  const { settingsFile } = request.engine.recipe.container;
  if (settingsFile === null) throw new Error(`${request.engine.name} has no settings file`);
  await runInContainer(name, ['sh', '-c', WRITE_SETTINGS, 'sh', text, settingsFile]);
}

function ready({ request, name, administrator, signal }: Running): Promise<string> {
  return waitUntilReady({
    engine: request.engine,
    flavor: request.database.flavor,
    target: administrator,
    requireAlive: async () => {
      const { running, ended } = await containerState(name);
      if (running) return;
      throw new EnvironmentError(
        `the server in the container ${name} did not start (${ended}). Its log says:\n${await containerLogTail(name)}`,
      );
    },
    limitMs: START_LIMIT_MS,
    signal,
  });
}

async function readableVolume(name: string, docker: DockerEngine): Promise<Server['dataDirectory']> {
  if (!docker.local) return { missing: `the volume is on another machine (${docker.host})` };
  const path = await volumePath(name);
  try {
    await access(path, constants.R_OK | constants.X_OK);
    return { path };
  } catch {
    return {
      missing: 'the volume of the container can be read by root alone, or is inside a virtual machine',
    };
  }
}
