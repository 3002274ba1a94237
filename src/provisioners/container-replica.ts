/**
 * A second server in a container of its own, on a copy of the first one's volume. It shares the network of the first one's
 * container, so that each reaches the other on the loopback address, and listens on the port beside it, which that
 * container has published.
 */
import { randomBytes } from 'node:crypto';
import type { ConnectionTarget, ReplicaPreparation } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { type Cleanup, createCleanup } from './cleanup.ts';
import { HELPER_SUFFIX } from './copied-volume.ts';
import {
  containerLogTail,
  containerState,
  createVolume,
  type DockerEngine,
  removeContainer,
  removeVolume,
  runProgram,
} from './docker.ts';
import { runHelper, startBeside } from './docker-helper.ts';
import { holdNote } from './notes.ts';
import { LOOPBACK } from './ports.ts';
import { REHEARSED_DATABASE } from './profiles.ts';
import type { DataCopy, Following, Server, ServerRequest } from './provisioner.ts';
import { START_LIMIT_MS, waitUntilReady } from './readiness.ts';
import { refuseOfReplica } from './replica-refusals.ts';

/** Below the data directory. */
const SETTINGS_FILE = 'rehearse-replica.cnf';

export interface PrimaryContainer {
  readonly request: ServerRequest;
  readonly docker: DockerEngine;
  /** Of the container, and of its volume. */
  readonly name: string;
  readonly image: string;
  readonly administrator: ConnectionTarget;
  /** On the host: where the port of the replica is published. */
  readonly replicaPort: number;
  /** Stops the primary, copies its volume into another one, starts it again. */
  copyInto(volume: string, helper: string): Promise<DataCopy>;
  /** Settled when no copy is under way; one that was aborted ends soon. */
  readonly copyEnded: () => Promise<unknown>;
  /** What its settings file says now; empty where it has none. */
  readonly settings: () => string;
  readonly dataDirectoryOf: (volume: string) => Promise<Server['dataDirectory']>;
  readonly signal: AbortSignal;
}

export async function startContainerReplica(
  primary: PrimaryContainer,
  following: Following,
): Promise<Server> {
  const name = `rehearse-replica-${randomBytes(6).toString('hex')}`;
  const note = await holdNote({ container: name, volume: name });
  const cleanup = createCleanup(() => note.remove());
  try {
    return await startWithin(cleanup, name, primary, following);
  } catch (error) {
    throw await cleanup.after(error);
  }
}

async function startWithin(
  cleanup: Cleanup,
  name: string,
  primary: PrimaryContainer,
  { say, prepare }: Following,
): Promise<Server> {
  const { request, image, docker, signal } = primary;
  const { container: recipe, embedded } = request.engine.recipe;
  const port = recipe.port + 1;
  cleanup.add(() => removeVolume(name));
  await createVolume(name);
  cleanup.add(async () => void (await primary.copyEnded()));
  say('copying the volume of the data directory for the replica');
  const forked = await primary.copyInto(name, name);
  const prepared = await prepare({ host: LOOPBACK, port: recipe.port });
  // In the volume, since nothing can be put into a container that is not yet made.
  const settings = recipe.settingsFile === null ? null : SETTINGS_FILE;
  const own =
    settings === null
      ? []
      : [{ path: settings, text: primary.settings() + prepared.settings, append: false }];
  await changeCopy({ name, image, signal, files: [...prepared.files, ...own], without: prepared.without });

  cleanup.add(() => removeContainer(name));
  await startBeside({
    name,
    beside: primary.name,
    volume: name,
    image,
    environment: recipe.environment(primary.administrator.password),
    command: recipe.commandOnPort(port, settings === null ? null : `${recipe.dataDirectory}/${settings}`),
    dataDirectory: recipe.dataDirectory,
    stopSignal: embedded.stopSignal,
  });
  const administrator = { ...primary.administrator, port: primary.replicaPort };
  const version = await waitUntilReady({
    engine: request.engine,
    flavor: request.database.flavor,
    target: administrator,
    requireAlive: async () => {
      const { running, ended } = await containerState(name);
      if (running) return;
      const log = await containerLogTail(name);
      throw new EnvironmentError(
        `the replica in the container ${name} did not start (${ended}). Its log says:\n${log}`,
      );
    },
    limitMs: START_LIMIT_MS,
    signal,
  });
  return {
    role: 'replica',
    administrator,
    version,
    description: `${image} in a container of Docker ${docker.version}, on a copy of the volume`,
    dataDirectory: await primary.dataDirectoryOf(name),
    programs: {
      where: `the container ${name}`,
      host: LOOPBACK,
      port,
      run: (run, aborted) => runProgram(name, run, aborted),
    },
    database: REHEARSED_DATABASE,
    forked,
    ...refuseOfReplica,
    [Symbol.asyncDispose]: () => cleanup.run(),
  };
}

interface Change extends Pick<ReplicaPreparation, 'files' | 'without'> {
  readonly name: string;
  readonly image: string;
  readonly signal: AbortSignal;
}

/** As base64, which no shell takes for anything else; owned as the data directory is. */
async function changeCopy({ name, image, files, without, signal }: Change): Promise<void> {
  if (files.length === 0 && without.length === 0) return;
  const lines = [
    ...files.map(({ path, text, append }) => {
      const target = `'/to/${path}'`;
      const encoded = Buffer.from(text).toString('base64');
      return `echo '${encoded}' | base64 -d ${append ? '>>' : '>'} ${target}; chown --reference=/to ${target}; chmod 600 ${target}`;
    }),
    ...without.map((path) => `rm -f '/to/${path}'`),
  ];
  const helper = `${name}${HELPER_SUFFIX}`;
  const script = ['set -e', ...lines].join('\n');
  await runHelper({ name: helper, image, script, volumes: { '/to': name }, signal });
}
