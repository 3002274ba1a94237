/** Containers beside that of the server: short-lived ones that work on volumes, and a replica's. */
import { EnvironmentError } from '../errors.ts';
import {
  type ContainerRequest,
  client,
  removeContainer,
  SHARED_MEMORY_BYTES,
  withoutFrames,
} from './docker.ts';
import { ownerLabels } from './owner-labels.ts';

/** What the engine knows an image by, whatever its name points to. */
export async function imageId(image: string): Promise<string> {
  const { dockerode } = (await client()).container;
  return (await dockerode.getImage(image).inspect()).Id;
}

export interface HelperRequest {
  readonly name: string;
  readonly image: string;
  readonly script: string;
  /** Volumes by the path at which the script finds them. */
  readonly volumes: Readonly<Record<string, string>>;
  /** An abort ends it at once. */
  readonly signal: AbortSignal;
}

/**
 * Runs a shell script as root in a container of its own, without a network; returns what it printed. Whoever removes its
 * volumes waits for its end first: Docker makes anew what a container that is just being created wants.
 */
export async function runHelper({ name, image, script, volumes, signal }: HelperRequest): Promise<string> {
  signal.throwIfAborted();
  const { dockerode } = (await client()).container;
  const container = await dockerode.createContainer({
    name,
    Image: image,
    Entrypoint: ['sh', '-c', script],
    Cmd: [],
    User: '0:0',
    Labels: await ownerLabels(),
    HostConfig: {
      NetworkMode: 'none',
      Mounts: Object.entries(volumes).map(([Target, Source]) => ({ Type: 'volume', Source, Target })),
    },
  });
  let ending: Promise<void> = Promise.resolve();
  const end = (): void => {
    ending = removeContainer(name).catch(() => undefined);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    await container.start();
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    signal.throwIfAborted();
    const output = withoutFrames(await container.logs({ stdout: true, stderr: true })).trim();
    if (StatusCode === 0) return output;
    throw new EnvironmentError(
      `a helper container of "${image}" failed (exit code ${StatusCode}): ${output}`,
    );
  } finally {
    signal.removeEventListener('abort', end);
    // Docker refuses a second removal while the first one is under way.
    await ending;
    await removeContainer(name);
  }
}

/** A container that has the network of another one, and so its published ports. */
export interface ContainerBeside
  extends Pick<
    ContainerRequest,
    'name' | 'volume' | 'image' | 'environment' | 'command' | 'dataDirectory' | 'stopSignal'
  > {
  /** Name of the other one, which runs. */
  readonly beside: string;
}

export async function startBeside(request: ContainerBeside): Promise<void> {
  const { dockerode } = (await client()).container;
  const { name, beside, volume, image, environment, command, dataDirectory, stopSignal } = request;
  const container = await dockerode.createContainer({
    name,
    Image: image,
    Cmd: [...command],
    Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    Labels: await ownerLabels(),
    StopSignal: stopSignal,
    HostConfig: {
      NetworkMode: `container:${beside}`,
      ShmSize: SHARED_MEMORY_BYTES,
      Mounts: [{ Type: 'volume', Source: volume, Target: dataDirectory }],
    },
  });
  await container.start();
}
