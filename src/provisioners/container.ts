/**
 * Provisioner `container`: the server of an image, on the Docker engine that is found. Its data directory is a volume,
 * never the overlay file system, whose first write to each file copies the whole file.
 */
import { randomBytes } from 'node:crypto';
import type { ConnectionTarget, SettingsProfile } from '../engines/engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import { type Cleanup, createCleanup } from './cleanup.ts';
import { startContainerReplica } from './container-replica.ts';
import { copyVolume, forkVolume, readableVolume } from './copied-volume.ts';
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
} from './docker.ts';
import { imageId } from './docker-helper.ts';
import { unlessAborted } from './interruption.ts';
import { holdNote } from './notes.ts';
import { findFreePort, LOOPBACK } from './ports.ts';
import { blameSettings, profileAtStart, REHEARSED_DATABASE, refuseWrongSettings } from './profiles.ts';
import type { DataCopy, Keeping, KeptData, Provisioner, Server, ServerRequest } from './provisioner.ts';
import { openAdministrator, START_LIMIT_MS, waitUntilReady } from './readiness.ts';

export const container: Provisioner = {
  name: 'container',
  unavailable: async () => {
    const docker = await findDocker();
    return 'missing' in docker ? docker.missing : null;
  },
  async fetch(request, signal) {
    const image = imageOf(request);
    if (!(await hasImage(image))) await pull(image, request, signal);
  },
  keeping,
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

async function keeping(
  request: ServerRequest,
  signal: AbortSignal,
): Promise<Keeping | { readonly missing: string }> {
  const docker = await findDocker();
  if ('missing' in docker) return docker;
  const image = imageOf(request);
  if (!(await hasImage(image))) await pull(image, request, signal);
  return {
    build: `container ${image} ${await imageId(image)}${docker.local ? '' : ` on ${docker.host}`}`,
    place: () => ({ kind: 'volume', name: `rehearse-snapshot-${randomBytes(6).toString('hex')}` }),
  };
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
  const { administrator, forked, replicaPort } = await runContainer(cleanup, {
    request,
    docker,
    name,
    signal,
    image,
  });
  const running: Running = { request, name, administrator, signal };
  const version = await ready(running);

  // A settings file is inside the container, so that a fork starts without it.
  let profile = engine.recipe.container.settingsFile === null ? profileAtStart(request) : null;
  let settingsText = '';
  const useProfile = async (wanted: SettingsProfile): Promise<void> => {
    if (wanted === profile) return;
    {
      await using session = await openAdministrator(engine, administrator, signal);
      const settings = engine.recipe.settings(wanted, database.settings);
      await engine.recipe.applySettings(session, settings, async (text) => {
        await writeSettings(running, text);
        settingsText = text;
      });
    }
    await unlessAborted(
      signal,
      restartContainer(name, RESTART_STOP_LIMIT_MS, async () => undefined),
    );
    await ready(running).catch((error: unknown) => {
      throw blameSettings(error, database.settings, signal);
    });
    // What was filled without fsync would otherwise be written out in the middle of the baseline.
    if (profile === 'filling') await unlessAborted(signal, runInContainer(name, ['sync']));
    profile = wanted;
  };
  if (forked === null) await useProfile('filling');
  /** Nobody removes a volume that is being copied. */
  let copyEnded: Promise<unknown> = Promise.resolve();
  cleanup.add(async () => void (await copyEnded));
  const copyInto = async (to: string, helper: string): Promise<DataCopy> => {
    const copied = await unlessAborted(
      signal,
      restartContainer(name, RESTART_STOP_LIMIT_MS, () => {
        const work = copyVolume({ name: helper, image, from: name, to, signal });
        copyEnded = work.catch(() => undefined);
        return work;
      }),
    );
    await ready(running);
    return copied;
  };
  const keep = async (place: KeptData): Promise<DataCopy> => {
    if (place.kind !== 'volume') throw new Error(`a container's data is not kept in a ${place.kind}`);
    await createVolume(place.name, 'kept');
    return copyInto(place.name, name);
  };
  const primary = {
    ...{ request, docker, name, image, administrator, copyInto, signal },
    settings: () => settingsText,
    copyEnded: () => copyEnded,
    dataDirectoryOf: (volume: string) => readableVolume(volume, docker),
  };
  return {
    role,
    administrator,
    version,
    description: `${image} in a container of Docker ${docker.version}${docker.local ? '' : ` on ${docker.host}`}`,
    dataDirectory: await primary.dataDirectoryOf(name),
    programs: {
      where: `the container ${name}`,
      host: LOOPBACK,
      port: engine.recipe.container.port,
      run: (run, aborted) => runProgram(name, run, aborted),
    },
    database: REHEARSED_DATABASE,
    useProfile,
    forked,
    keep,
    replica:
      replicaPort === null
        ? { missing: REPLICA_WITHOUT_PORT }
        : (following) => startContainerReplica({ ...primary, replicaPort }, following),
    [Symbol.asyncDispose]: () => cleanup.run(),
  };
}

function imageOf({ engine, database }: ServerRequest): string {
  const { recipe } = engine;
  const image =
    database.image ??
    recipe.container.image(database.flavor, database.version ?? recipe.defaultVersion(database.flavor));
  if (IMAGE.test(image)) return image;
  throw new UsageError(
    `"${image}" cannot be the name of an image: write it as docker run takes it, like postgres:17 or ` +
      'registry.example:5000/team/mysql:9.7, in database.image or --image.',
  );
}

/** Host and port, folders, name, tag, digest: https://pkg.go.dev/github.com/distribution/reference */
const IMAGE =
  /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?$/;

interface RunningContainer {
  readonly administrator: ConnectionTarget;
  readonly forked: DataCopy | null;
  /** On the host; null where no replica was asked for. */
  readonly replicaPort: number | null;
}

const REPLICA_WITHOUT_PORT =
  'the container was started without a port for a replica, or its Docker engine is on another machine';

async function runContainer(
  cleanup: Cleanup,
  { request, docker, name, image, signal }: Start & { readonly image: string },
): Promise<RunningContainer> {
  const { engine, say, fork } = request;
  if (!(await hasImage(image))) await pull(image, request, signal);
  const recipe = engine.recipe.container;
  const password = randomBytes(24).toString('base64url');
  cleanup.add(() => removeVolume(name));
  await createVolume(name);
  const forked = fork === null ? null : await forkVolume(fork.data, { name, image, signal });
  const renewal = fork === null ? { files: [], command: null } : recipe.renew(password);
  cleanup.add(() => removeContainer(name));
  say(`starting ${image} in a container of Docker ${docker.version}`);
  const environment = recipe.environment(password);
  const { stopSignal } = engine.recipe.embedded;
  const { files } = renewal;
  const replicaPort = request.database.replica && docker.local ? await findFreePort() : null;
  const otherPort = replicaPort === null ? null : { inside: recipe.port + 1, onHost: replicaPort };
  const wanted = { ...recipe, name, volume: name, image, environment, stopSignal, files, otherPort };
  const port = await startContainer(wanted, docker).catch((cause: unknown) => {
    throw new EnvironmentError(`Docker cannot start a container of the image "${image}"`, { cause });
  });
  if (renewal.command !== null) await unlessAborted(signal, runInContainer(name, renewal.command));
  const { host } = docker;
  return {
    administrator: { host, port, socket: null, password, tls: false, ...recipe.administrator },
    forked,
    replicaPort,
  };
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
