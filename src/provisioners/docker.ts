/** The one file that imports testcontainers: containers and volumes of our own, on whatever engine it finds. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerRuntimeClient } from 'testcontainers';
import { EnvironmentError } from '../errors.ts';
import { unlessAborted } from './interruption.ts';
import { ownerLabels } from './owner-labels.ts';
import { findFreePort, isOwnAddress, LOOPBACK } from './ports.ts';
import { feed, type ProgramRun } from './programs.ts';

export interface DockerEngine {
  /** Where published ports are reached. */
  readonly host: string;
  /** True when that is this machine, so that ports can be published on the loopback address alone. */
  readonly local: boolean;
  readonly version: string;
}

export interface ContainerRequest {
  readonly name: string;
  readonly volume: string;
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Arguments for the image's entry point; empty takes the image's own. */
  readonly command: readonly string[];
  readonly port: number;
  /** A further port inside, and the one on the host where it is published; null where there is none. */
  readonly otherPort: { readonly inside: number; readonly onHost: number } | null;
  readonly dataDirectory: string;
  readonly stopSignal: NodeJS.Signals;
  /** Put into the container before it starts, readable by its server. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

export interface ContainerState {
  readonly running: boolean;
  /** In words, for a container that has ended. */
  readonly ended: string;
}

/** Postgres's parallel queries share memory through /dev/shm, of which Docker gives 64 MB. */
export const SHARED_MEMORY_BYTES = 2 ** 30;
const ENGINE_ANSWER_LIMIT_MS = 8_000;
/** Ports for engines elsewhere, whose free ports cannot be asked for: below the range that systems hand out. */
const REMOTE_PORTS = { from: 20_000, to: 32_000 } as const;
const PORT_ATTEMPTS = 5;
const LOG_TAIL_LINES = 12;

/** Finds the engine, or says in one line why there is none. */
export async function findDocker(): Promise<DockerEngine | { readonly missing: string }> {
  try {
    const { host, serverVersion } = (await client()).info.containerRuntime;
    // In a container testcontainers names the gateway of Docker's network, also when the engine runs beside us.
    const local = await isOwnAddress(host);
    return { host: local ? LOOPBACK : host, local, version: String(serverVersion) };
  } catch (error) {
    const where = process.env.DOCKER_HOST ? ` at DOCKER_HOST=${process.env.DOCKER_HOST}` : '';
    const reason = error instanceof Error ? error.message : String(error);
    return { missing: `no Docker engine answers${where} (${reason}); start one, or set DOCKER_HOST` };
  }
}

export async function client(): Promise<ContainerRuntimeClient> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const message = `no answer within ${ENGINE_ANSWER_LIMIT_MS / 1000} s`;
    timer = setTimeout(() => reject(new EnvironmentError(message)), ENGINE_ANSWER_LIMIT_MS);
  });
  return Promise.race([getContainerRuntimeClient(), limit]).finally(() => clearTimeout(timer));
}

export async function hasImage(image: string): Promise<boolean> {
  const { ImageName } = await import('testcontainers');
  return (await client()).image.exists(ImageName.fromString(image));
}

/** Lets the engine fetch it; once the signal is aborted nobody waits for that any more. */
export async function pullImage(image: string, signal: AbortSignal): Promise<void> {
  const { ImageName } = await import('testcontainers');
  const { image: images } = await client();
  await unlessAborted(signal, images.pull(ImageName.fromString(image)));
  if (!(await hasImage(image)))
    throw new EnvironmentError('the registry does not have it, or does not answer');
}

/** One that is `kept` belongs to no rehearsal: `docker volume ls --filter label=rehearse.snapshot`. */
export async function createVolume(name: string, purpose: 'server' | 'kept' = 'server'): Promise<void> {
  const { dockerode } = (await client()).container;
  const labels = purpose === 'kept' ? { 'rehearse.snapshot': name } : await ownerLabels();
  await dockerode.createVolume({ Name: name, Labels: labels });
}

/** Path of the volume on the engine's machine. */
export async function volumePath(name: string): Promise<string> {
  const { dockerode } = (await client()).container;
  return (await dockerode.getVolume(name).inspect()).Mountpoint;
}

/**
 * Starts a container of an image that is there, and returns the host port. The port is chosen here, not by
 * Docker, so that it stays the same when the server is restarted.
 */
export async function startContainer(request: ContainerRequest, engine: DockerEngine): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const hostPort = engine.local ? await findFreePort() : randomInt(REMOTE_PORTS.from, REMOTE_PORTS.to);
    try {
      await startOnPort(request, engine, hostPort);
      return hostPort;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!/port is already allocated|address already in use/i.test(message) || attempt === PORT_ATTEMPTS)
        throw error;
      await removeContainer(request.name);
    }
  }
}

async function startOnPort(request: ContainerRequest, engine: DockerEngine, hostPort: number): Promise<void> {
  const { GenericContainer } = await import('testcontainers');
  const { name, volume, image, port, otherPort, stopSignal, dataDirectory } = request;
  /** testcontainers can neither name a host address nor mount a named volume with a stop signal: its options are set here. */
  class ServerContainer extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      this.createOpts.StopSignal = stopSignal;
      this.hostConfig.Mounts = [{ Type: 'volume', Source: volume, Target: dataDirectory }];
      const address = engine.local ? { HostIp: LOOPBACK } : {};
      const ports = [{ inside: port, onHost: hostPort }, ...(otherPort === null ? [] : [otherPort])];
      this.hostConfig.PortBindings = Object.fromEntries(
        ports.map(({ inside, onHost }) => [`${inside}/tcp`, [{ ...address, HostPort: String(onHost) }]]),
      );
      this.createOpts.ExposedPorts = Object.fromEntries(ports.map(({ inside }) => [`${inside}/tcp`, {}]));
    }
  }
  const container = new ServerContainer(image)
    .withName(name)
    .withLabels(await ownerLabels())
    .withEnvironment({ ...request.environment })
    .withExposedPorts({ container: port, host: hostPort })
    .withSharedMemorySize(SHARED_MEMORY_BYTES)
    // What a killed harness leaves is found by our own notes, so that no second image is needed for it.
    .withAutoCleanup(false)
    .withCopyContentToContainer(
      request.files.map(({ path, text }) => ({ content: text, target: path, mode: 0o644 })),
    )
    .withWaitStrategy(await readyAtOnce());
  if (request.command.length > 0) container.withCommand([...request.command]);
  await container.start();
}

/** Readiness is a session that answers, for which the provisioner waits. */
async function readyAtOnce() {
  const { StartupCheckStrategy } = await import('testcontainers');
  class ReadyAtOnce extends StartupCheckStrategy {
    override async checkStartupState(): Promise<'SUCCESS'> {
      return 'SUCCESS';
    }
  }
  return new ReadyAtOnce();
}

export async function containerState(name: string): Promise<ContainerState> {
  const { dockerode } = (await client()).container;
  const { State } = await dockerode.getContainer(name).inspect();
  const memory = State.OOMKilled ? ', killed because the memory ran out' : '';
  return { running: State.Running, ended: `exit code ${State.ExitCode}${memory}` };
}

/** Stops it by its stop signal, does the work in between, and starts it again; on the same port and volume. */
export async function restartContainer<Result>(
  name: string,
  stopLimitMs: number,
  meanwhile: () => Promise<Result>,
): Promise<Result> {
  const { dockerode } = (await client()).container;
  const container = dockerode.getContainer(name);
  await container.stop({ t: Math.ceil(stopLimitMs / 1000) });
  try {
    return await meanwhile();
  } finally {
    await container.start();
  }
}

/** Runs a command inside; EnvironmentError when it fails. */
export async function runInContainer(name: string, command: readonly string[]): Promise<void> {
  const { container } = await client();
  const { exitCode, output } = await container.exec(container.getById(name), [...command]);
  if (exitCode === 0) return;
  throw new EnvironmentError(`"${command.join(' ')}" failed in the container ${name}: ${output.trim()}`);
}

/** Runs a program inside with its streams here. It ends with its input or with the container, at the latest. */
export async function runProgram(
  name: string,
  { command: { program, args, env }, input, onOutput }: ProgramRun,
  signal: AbortSignal,
): Promise<number | null> {
  signal.throwIfAborted();
  const { dockerode } = (await client()).container;
  const exec = await dockerode.getContainer(name).exec({
    Cmd: [program, ...args],
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    AttachStdin: input !== null,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: input !== null });
  const outputs = { stdout: new PassThrough(), stderr: new PassThrough() };
  for (const from of ['stdout', 'stderr'] as const)
    outputs[from].setEncoding('utf8').on('data', (text: string) => onOutput(from, text));
  dockerode.modem.demuxStream(stream, outputs.stdout, outputs.stderr);
  try {
    const ended = once(stream, 'end', { signal });
    // A program that ends before its input does leaves the rest of it unread: that it has ended is what counts.
    const fed = input === null ? ended : feed(stream, input, signal).then(() => ended);
    await unlessAborted(signal, Promise.race([ended, fed, whenExited(exec, signal)]));
    const { ExitCode } = await exec.inspect();
    return ExitCode === NOT_FOUND ? null : ExitCode;
  } finally {
    stream.destroy();
  }
}

const EXIT_POLL_MS = 500;

/** Docker keeps the streams of a program open that has ended while input for it is on its way. */
async function whenExited(
  exec: { inspect(): Promise<{ Running: boolean; ExitCode: number | null }> },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await delay(EXIT_POLL_MS, undefined, { signal });
    const { Running, ExitCode } = await exec.inspect();
    if (!Running && ExitCode !== null) break;
  }
  // What it printed last is on its way too.
  await delay(EXIT_POLL_MS, undefined, { signal });
}

/** As a shell says that there is no such program; Docker itself says the same. */
const NOT_FOUND = 127;

/** The last lines that the server wrote since it was started last. */
export async function containerLogTail(name: string): Promise<string> {
  const container = (await client()).container.dockerode.getContainer(name);
  const { State } = await container.inspect();
  const since = Date.parse(State.StartedAt) / 1000;
  const log = await container.logs({ stdout: true, stderr: true, since });
  const lines = withoutFrames(log).trim().split('\n').slice(-LOG_TAIL_LINES);
  return lines.join('\n') || '(the server wrote nothing)';
}

/** Pure: the text of a log in Docker's frames: 8 bytes of head, whose last four are the length. */
export function withoutFrames(log: Buffer): string {
  const parts: Buffer[] = [];
  for (let offset = 0; offset + 8 <= log.length; ) {
    const length = log.readUInt32BE(offset + 4);
    parts.push(log.subarray(offset + 8, offset + 8 + length));
    offset += 8 + length;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** At once, with its anonymous volumes; nothing happens when there is none. */
export async function removeContainer(name: string): Promise<void> {
  const { dockerode } = (await client()).container;
  await unlessMissing(dockerode.getContainer(name).remove({ force: true, v: true }));
}

export async function removeVolume(name: string): Promise<void> {
  const { dockerode } = (await client()).container;
  await unlessMissing(dockerode.getVolume(name).remove({ force: true }));
}

async function unlessMissing(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: unknown) => {
    const code = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
    if (code !== 404) throw error;
  });
}
