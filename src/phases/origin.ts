/** Where the rows come from: a snapshot that fits, or a filling that may be kept as one. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engines/engine.ts';
import type { Progress } from '../progress.ts';
import { chooseProvisioner } from '../provisioners/index.ts';
import type { Keeping, Provisioner } from '../provisioners/provisioner.ts';
import { isMeasured } from '../recording/figure.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { TableFilling } from '../recording/recording.ts';
import type { Plan } from '../scenario/plan.ts';
import {
  type Choice,
  chooseSnapshot,
  KEEP_BYTES,
  type KeyParts,
  type KeySamples,
  keyOf,
  keySamplesIn,
  makeSnapshot,
  pruneSnapshots,
  readKeyParts,
  removeUnfinished,
  type Snapshot,
  snapshotsDirectory,
  whyNotKept,
} from '../snapshots/index.ts';
import type { Migration } from '../tools/tool.ts';
import type { Filled } from './fill.ts';
import type { StartedServer } from './provision.ts';

/** `fresh` fills anew and keeps nothing; `seed` keeps what a run would fill again as quickly, too. */
export type SnapshotUse = 'automatic' | 'fresh' | 'seed';

export interface OriginRequest {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly migrations: readonly Migration[];
  readonly use: SnapshotUse;
  readonly recorder: Recorder;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface Origin extends AsyncDisposable {
  readonly provisioner: Provisioner;
  /** The snapshot to fork; null when the tables are to be filled. */
  readonly snapshot: Snapshot | null;
  /** After the filled server has settled: keeps its data where that is worth it, and lets others have it from now on. */
  keep(started: StartedServer, filled: Filled): Promise<Kept>;
  /** Where samples of the rows' keys are kept; null while no snapshot holds the rows. */
  readonly samples: KeySamples | null;
}

/** The snapshot that was made, or why there is none. */
export type Kept = { readonly key: string } | { readonly notKept: string };

export async function chooseOrigin(request: OriginRequest): Promise<Origin> {
  const { plan, engine, use, recorder, progress, signal } = request;
  const say = (message: string): void => progress.say(recorder.phase, message);
  const serverRequest = { engine, database: plan.database, role: 'rehearsal', say, fork: null } as const;
  const provisioner = await chooseProvisioner(serverRequest, signal);
  const directory = await snapshotsDirectory();
  if (directory === null) return filling(provisioner, 'REHEARSE_SNAPSHOTS is off');
  if (use === 'fresh') return filling(provisioner, 'rows are filled anew');
  for (const line of await removeUnfinished(directory))
    say(`removed what a killed rehearsal left behind: ${line}`);

  const keeping = await provisioner.keeping(serverRequest, signal);
  if ('missing' in keeping) {
    say(`no snapshot of the rows can be kept or used: ${keeping.missing}`);
    return filling(provisioner, keeping.missing);
  }
  const parts = await readKeyParts({ ...request, build: keeping.build });
  const key = keyOf(parts);
  const choice = await chooseSnapshot({ directory, key, say, signal });
  const beganAtMs = recorder.now();
  let isThere = choice.kind === 'fork';
  const samples = keySamplesIn(join(directory, key), (message) => recorder.add('notes', message));
  return {
    provisioner,
    snapshot: choice.kind === 'fork' ? choice.snapshot : null,
    get samples() {
      return isThere ? samples : null;
    },
    async keep(started, filled) {
      const facts = { directory, key, parts, keeping, choice, beganAtMs };
      const kept = await keep({ ...request, ...facts, started, filled });
      isThere ||= 'key' in kept;
      return kept;
    },
    [Symbol.asyncDispose]: () => choice[Symbol.asyncDispose](),
  };
}

function filling(provisioner: Provisioner, reason: string): Origin {
  return {
    provisioner,
    snapshot: null,
    samples: null,
    keep: async () => ({ notKept: reason }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

interface KeepRequest extends OriginRequest {
  readonly directory: string;
  readonly key: string;
  readonly parts: KeyParts;
  readonly keeping: Keeping;
  readonly choice: Choice;
  readonly started: StartedServer;
  readonly filled: Filled;
  readonly beganAtMs: number;
}

async function keep(request: KeepRequest): Promise<Kept> {
  const { choice, recorder, progress, signal } = request;
  // A snapshot that could not be forked is in the way of a new one until somebody removes it.
  if (choice.kind === 'fork') {
    // Its data has been copied: it may be removed from now on.
    await choice[Symbol.asyncDispose]();
    return { notKept: `the snapshot ${request.key} is there` };
  }
  try {
    const reason = await whyNot(request);
    if (reason !== null) return { notKept: reason };
    return await make(request);
  } catch (error) {
    signal.throwIfAborted();
    // The rehearsal itself does not need it.
    const reason = error instanceof Error ? error.message : String(error);
    if (request.use === 'seed') throw error;
    recorder.add('notes', `No snapshot of the rows was kept: ${reason}`);
    progress.say(recorder.phase, `no snapshot of the rows was kept: ${reason}`);
    return { notKept: reason };
  } finally {
    // Others need not wait for the rehearsal itself.
    await choice.lock.release();
  }
}

async function whyNot({ use, filled, directory, recorder, beganAtMs }: KeepRequest): Promise<string | null> {
  const space = await statfs(directory);
  return whyNotKept({
    keptBy: use === 'seed' ? 'seed' : 'run',
    fillMs: recorder.now() - beganAtMs,
    bytes: bytesOf(filled.filling),
    freeBytes: space.bavail * space.bsize,
    inCi: process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false',
  });
}

/** The log and the system's own tables come on top. */
const OVERHEAD_BYTES = 256 * 2 ** 20;

function bytesOf(filling: readonly TableFilling[]): number {
  return filling.reduce((sum, { bytes }) => sum + (isMeasured(bytes) ? bytes.upper : 0), OVERHEAD_BYTES);
}

async function make(request: KeepRequest): Promise<Kept> {
  const { plan, engine, use, started, filled, directory, key, parts, keeping, recorder, progress } = request;
  progress.say(recorder.phase, 'keeping a snapshot of the rows: stopping the server, copying its data');
  const copied = await makeSnapshot({
    directory,
    server: started.server,
    keeping,
    generator: filled.generator,
    facts: {
      key,
      parts,
      scenario: plan.name,
      keptBy: use === 'seed' ? 'seed' : 'run',
      fillMs: recorder.now() - request.beganAtMs,
      settings: engine.recipe.settings('rehearsal', plan.database.settings),
      filling: filled.filling,
    },
  });
  const mebibytes = Math.ceil(copied.bytes / 2 ** 20);
  progress.say(
    recorder.phase,
    `kept as snapshot ${key}: ${mebibytes} MiB, ${copied.method === 'clone' ? 'cloned' : 'copied'} in ` +
      `${(copied.durationMs / 1000).toFixed(1)} s`,
  );
  recorder.add('notes', `The rows were filled and kept as snapshot ${key}.`);
  if (use !== 'seed') await makeRoom(request);
  return { key };
}

/** What runs kept by themselves goes by itself, used longest ago first; what somebody asked for stays. */
async function makeRoom({ directory, key, recorder, progress }: KeepRequest): Promise<void> {
  const removed = await pruneSnapshots(
    directory,
    KEEP_BYTES,
    (entry) => entry.key !== key && entry.snapshot?.manifest.keptBy !== 'seed',
  );
  for (const entry of removed)
    progress.say(
      recorder.phase,
      `removed the snapshot ${entry.key}: ${entry.unusable ?? 'used longest ago, and there is a limit of 20 GiB'}`,
    );
}
