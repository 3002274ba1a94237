/** Keeps a recording in a file and reads it back. A file under its final name is always complete. */
import { constants } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EnvironmentError, UsageError } from '../errors.ts';
import { loadFromVersion1 } from './earlier.ts';
import type { Recording } from './recording.ts';
import { RECORDING_FORMAT, RECORDING_FORMAT_VERSION } from './recording.ts';

/** Name of the recording inside a report directory. */
export const RECORDING_FILE = 'recording.json';

/**
 * Writes the recording beside its final place, brings it to the disk and renames it: after a crash there is the old
 * file or the new one, never half of one. EnvironmentError when the file cannot be written.
 */
export async function writeRecording(file: string, recording: Recording): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    await writeThrough(temporary, `${JSON.stringify(recording, onlyNumbers)}\n`);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new EnvironmentError(
      `The recording could not be written to "${file}". Free some space or choose a folder that can be written to.`,
      { cause: error },
    );
  }
  await syncDirectory(dirname(file));
}

async function writeThrough(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'w');
  await handle.writeFile(text);
  await handle.sync();
}

/** The rename itself reaches the disk with its directory; Windows cannot open one, and there it is not needed. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(directory, constants.O_RDONLY);
  await handle.sync();
}

/** JSON has no NaN and no infinity: a figure with one is stored as what it is, not measured. */
function onlyNumbers(_key: string, value: unknown): unknown {
  if (!isObject(value) || !('lower' in value && 'upper' in value)) return value;
  if (Number.isFinite(value.lower) && Number.isFinite(value.upper)) return value;
  return { notMeasured: `${String(value.source)} gave no number` };
}

/**
 * Reads a recording from its file, or from the report directory that holds it. UsageError for a missing file, for
 * what is no recording, and for a recording of a newer harness; one of format version 1 is read as today's.
 */
export async function readRecording(path: string): Promise<Recording> {
  const file = (await isDirectory(path)) ? join(path, RECORDING_FILE) : path;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `There is no recording to read at "${file}". Give a recording.json, or a folder under reports/ that holds one.`,
      { cause: error },
    );
  }
  return recordingFrom(parsed(text, file), file);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // readFile says what is wrong with it
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `"${file}" is not JSON, so it is no recording. Give a recording.json of rehearse run.`,
      {
        cause: error,
      },
    );
  }
}

function recordingFrom(value: unknown, file: string): Recording {
  if (!isObject(value) || value.format !== RECORDING_FORMAT) {
    const format = isObject(value) && typeof value.format === 'string' ? ` but "${value.format}"` : '';
    throw new UsageError(`"${file}" is no recording${format}. Give a recording.json of rehearse run.`);
  }
  if (value.formatVersion !== RECORDING_FORMAT_VERSION && value.formatVersion !== 1) {
    const newer = Number(value.formatVersion) > RECORDING_FORMAT_VERSION;
    throw new UsageError(
      `"${file}" has format version ${JSON.stringify(value.formatVersion)}, this is rehearse for version ` +
        `${RECORDING_FORMAT_VERSION}. ${newer ? 'Install a newer rehearse' : 'Rehearse again'} to judge it.`,
    );
  }
  const damaged = Object.entries(SHAPE).find(([key, kind]) => kindOf(value[key]) !== kind);
  if (damaged !== undefined) {
    throw new UsageError(
      `"${file}" is damaged: "${damaged[0]}" should be ${damaged[1]}. Rehearse again to replace it.`,
    );
  }
  const recording = value as object as Recording;
  if (value.formatVersion === RECORDING_FORMAT_VERSION) return recording;
  return { ...recording, formatVersion: RECORDING_FORMAT_VERSION, load: loadFromVersion1(recording.load) };
}

/** What a reader of any format version relies on; the rest is guarded by the version. */
const SHAPE: Readonly<
  Record<
    Exclude<
      keyof Recording,
      | 'format'
      | 'formatVersion'
      | 'code'
      | 'deadlocks'
      | 'mix'
      | 'recovery'
      | 'canaries'
      | 'journal'
      | 'probe'
      | 'replica'
      | 'upkeep'
    >,
    string
  >
> = {
  harnessVersion: 'string',
  scenario: 'string',
  startedAt: 'string',
  endedAtMs: 'number',
  ended: 'object',
  randomSeed: 'number',
  machine: 'object',
  servers: 'list',
  phases: 'list',
  filling: 'list',
  windows: 'list',
  load: 'object',
  steps: 'list',
  migrations: 'object',
  lockWaits: 'list',
  heldLocks: 'list',
  disk: 'object',
  progress: 'list',
  changes: 'list',
  drills: 'list',
  observers: 'list',
  budgets: 'object',
  notMeasured: 'list',
  notes: 'list',
};

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  return value === null ? 'null' : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
