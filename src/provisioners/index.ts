/** The provisioners by name. */
import { rm } from 'node:fs/promises';
import { EnvironmentError, UsageError } from '../errors.ts';
import { container } from './container.ts';
import { removeVolume } from './docker.ts';
import { embedded } from './embedded.ts';
import { external } from './external.ts';
import type { KeptData, Provisioner, ServerRequest } from './provisioner.ts';

export { cacheDirectory, scratchDirectory } from './directories.ts';
export { findDocker } from './docker.ts';
export { findLeftovers, removeLeftovers } from './leftovers.ts';
export { describeOwner, holdNote, type Note } from './notes.ts';
export { identifyMachine, isRunning } from './processes.ts';
export type { ProgramRun, ProgramsInside, RunProgram } from './programs.ts';
export { runHere } from './programs.ts';

export const provisioners: readonly Provisioner[] = [embedded, container, external];

export const provisionerNames: readonly string[] = provisioners.map(({ name }) => name);

/** Stands for "the first that can be used here" in a plan. */
export const AUTOMATIC = 'automatic';

/** What `automatic` tries, in this order: neither touches anything that is not ours. */
const automatic: readonly Provisioner[] = [embedded, container];

/** UsageError for a name that is none. */
export function findProvisioner(name: string): Provisioner {
  const found = provisioners.find((provisioner) => provisioner.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `database.provision: there is no provisioner "${name}"; there are ${provisionerNames.join(', ')}.`,
  );
}

/**
 * The named provisioner, or the first that can be used here, what it lacks fetched where another one could take its place;
 * EnvironmentError says why none can.
 */
export async function chooseProvisioner(request: ServerRequest, signal: AbortSignal): Promise<Provisioner> {
  const { provision } = request.database;
  if (provision !== AUTOMATIC) {
    const named = findProvisioner(provision);
    const reason = await named.unavailable(request);
    if (reason === null) return named;
    throw new EnvironmentError(`provision: ${named.name} cannot be used: ${reason}.`);
  }
  const reasons: string[] = [];
  const candidates = candidatesOf(request);
  for (const candidate of candidates) {
    const reason =
      (await candidate.unavailable(request)) ?? (await whyNotFetched(candidate, request, signal));
    if (reason === null) return candidate;
    reasons.push(`${candidate.name}: ${reason.replace(/\.$/, '')}`);
    const next = candidates[candidates.indexOf(candidate) + 1];
    if (next !== undefined) request.say(`${reasons.at(-1)}; trying ${next.name}`);
  }
  throw new EnvironmentError(`no server can be started here. ${reasons.join('. ')}.`);
}

async function whyNotFetched(
  candidate: Provisioner,
  request: ServerRequest,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    await candidate.fetch(request, signal);
    return null;
  } catch (error) {
    if (error instanceof EnvironmentError) return error.message;
    throw error;
  }
}

/** What the scenario says about the server tells which provisioner it means. */
function candidatesOf({ database }: ServerRequest): readonly Provisioner[] {
  if (database.url !== null) return [external];
  if (database.image !== null) return [container];
  if (database.binary !== null) return [embedded];
  return automatic;
}

/** Removes data that is kept, or that was to be kept; nothing happens when there is none. */
export async function removeKept(data: KeptData): Promise<void> {
  if (data.kind === 'volume') return removeVolume(data.name);
  await rm(data.path, { recursive: true, force: true });
}
