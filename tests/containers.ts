import { execa } from 'execa';

/**
 * Why container tests cannot run here, or null. Where containers are required (REHEARSE_REQUIRE_CONTAINERS, set by
 * .ci/run) a missing one is an error and never a skip.
 */
export async function containersMissing(image: string): Promise<string | null> {
  const engine = await execa('docker', ['info'], { reject: false, timeout: 20_000 });
  let reason: string | null = null;
  if (engine.exitCode !== 0) reason = 'container tests did not run: no Docker engine answers on this machine';
  else {
    const found = await execa('docker', ['image', 'inspect', image], { reject: false, timeout: 20_000 });
    if (found.exitCode !== 0) {
      reason = `container tests did not run: no image ${image} (docker/build-image.sh ${image.replace(':', ' ')})`;
    }
  }
  if (reason !== null && process.env.REHEARSE_REQUIRE_CONTAINERS !== undefined) throw new Error(reason);
  return reason;
}
