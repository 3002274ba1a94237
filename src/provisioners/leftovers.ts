/** What a killed harness left behind: found by its note, whose owner no longer runs, and removed. */
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HELPER_SUFFIX } from './copied-volume.ts';
import { removeContainer, removeVolume } from './docker.ts';
import { type Note, type Resources, readNotes, removeNote, removeUnfinishedNotes } from './notes.ts';
import { identifyMachine, isRunning, type MachineIdentity, sendSignal } from './processes.ts';

export interface Leftover {
  /** In words: "server process 4711, folder /tmp/rehearse-x". */
  readonly description: string;
  readonly note: Note;
}

/** Only what this machine's dead processes left; a note of another machine that shares the folder is not ours to judge. */
export async function findLeftovers(): Promise<readonly Leftover[]> {
  const machine = await identifyMachine();
  const leftovers: Leftover[] = [];
  for (const note of await readNotes()) {
    if (await isOrphaned(note, machine)) leftovers.push({ note, description: describe(note.resources) });
  }
  return leftovers;
}

/**
 * Removes them; returns one line for each. What cannot be removed (Docker is down, say) keeps its note for the next
 * time, and its line says so.
 */
export async function removeLeftovers(): Promise<readonly string[]> {
  const lines: string[] = [];
  await removeUnfinishedNotes();
  for (const { note, description } of await findLeftovers()) {
    try {
      await removeResources(note.resources);
      await removeNote(note.file);
      lines.push(description);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      lines.push(`${description} (not removed yet: ${reason})`);
    }
  }
  return lines;
}

async function isOrphaned({ owner }: Note, machine: MachineIdentity): Promise<boolean> {
  if (owner.hostname !== machine.hostname) return false;
  if (owner.bootId !== machine.bootId) return true;
  return !(await isRunning(owner));
}

function describe({ process: server, directories, container, volume }: Resources): string {
  const parts = [
    ...(server === null ? [] : [`server process ${server.pid}`]),
    ...directories.map((path) => `folder ${path}`),
    ...(container === null ? [] : [`container ${container}`]),
    ...(volume === null ? [] : [`volume ${volume}`]),
  ];
  return parts.join(', ') || 'an empty note';
}

async function removeResources({
  process: server,
  directories,
  container,
  volume,
}: Resources): Promise<void> {
  if (server !== null) await stopOrphan(server);
  // Processes of a server that has just been killed may still be writing their last files.
  for (const path of directories)
    await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  if (container !== null) {
    await removeContainer(`${container}${HELPER_SUFFIX}`);
    await removeContainer(container);
  }
  if (volume !== null) await removeVolume(volume);
}

/** A clean stop also frees the shared memory of the server, which a kill would leave behind. */
const CLEAN_STOP_LIMIT_MS = 15_000;
const KILL_LIMIT_MS = 5_000;

async function stopOrphan(server: NonNullable<Resources['process']>): Promise<void> {
  for (const [signal, limitMs] of [
    [server.stopSignal, CLEAN_STOP_LIMIT_MS],
    ['SIGKILL', KILL_LIMIT_MS],
  ] as const) {
    if (!(await isRunning(server)) || !sendSignal(server.pid, signal)) return;
    const deadline = performance.now() + limitMs;
    while ((await isRunning(server)) && performance.now() < deadline) await delay(50);
  }
  if (await isRunning(server)) throw new Error(`process ${server.pid} does not end, not even by SIGKILL`);
}
