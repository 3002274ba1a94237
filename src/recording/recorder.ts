/**
 * The recorder: the one clock of a rehearsal, and the place where facts are collected. It only appends; it judges
 * nothing. `recording()` may be asked at any time, so that an interrupted rehearsal keeps what it saw.
 */
import { availableParallelism, totalmem } from 'node:os';
import type { Figure } from './figure.ts';
import type {
  DiskRecord,
  Ending,
  Phase,
  PhaseName,
  Recording,
  ServerRecord,
  Step,
  Window,
} from './recording.ts';
import { RECORDING_FORMAT, RECORDING_FORMAT_VERSION } from './recording.ts';
import { withoutSecrets } from './secrets.ts';

type Lists = Pick<
  Recording,
  | 'filling'
  | 'lockWaits'
  | 'heldLocks'
  | 'progress'
  | 'changes'
  | 'drills'
  | 'observers'
  | 'notMeasured'
  | 'notes'
>;
type ListName = keyof Lists;

/** Known before anything is started. */
export interface RecorderHeader {
  readonly harnessVersion: string;
  readonly scenario: string;
  readonly randomSeed: number;
  readonly budgets: Recording['budgets'];
  readonly migrations: Recording['migrations'];
}

export interface Recorder {
  /** Milliseconds since the recorder's zero, on a monotonic clock. */
  now(): number;
  /** performance.timeOrigin-based epoch of the recorder's zero in ms; other threads subtract it from their own. */
  readonly epochMs: number;
  add<Name extends ListName>(list: Name, fact: Lists[Name][number]): void;
  addServer(server: ServerRecord): void;
  /** Ends the running phase and begins another one. */
  enter(phase: PhaseName): void;
  readonly phase: PhaseName;
  setWindow(window: Window): void;
  setLoad(load: Recording['load']): void;
  setDisk(disk: DiskRecord | { readonly notMeasured: string }): void;
  setMigrations(migrations: Recording['migrations']): void;
  setMix(mix: NonNullable<Recording['mix']>): void;
  setCode(code: NonNullable<Recording['code']>): void;
  setProbe(probe: NonNullable<Recording['probe']>): void;
  setRecovery(recovery: NonNullable<Recording['recovery']>): void;
  setCanaries(canaries: NonNullable<Recording['canaries']>): void;
  setJournal(journal: NonNullable<Recording['journal']>): void;
  setReplica(replica: NonNullable<Recording['replica']>): void;
  /** How long the replica took to apply what was left; kept beside what {@link setReplica} sets. */
  setReplicaCaughtUp(caughtUpMs: Figure): void;
  setUpkeep(upkeep: NonNullable<Recording['upkeep']>): void;
  setDeadlocks(deadlocks: NonNullable<Recording['deadlocks']>): void;
  /** Adds a step, or replaces the one of the same version. */
  setStep(step: Step): void;
  readonly steps: readonly Step[];
  recording(ended: Ending): Recording;
}

export function createRecorder(header: RecorderHeader): Recorder {
  const epochMs = performance.timeOrigin + performance.now();
  const now = (): number => performance.timeOrigin + performance.now() - epochMs;
  const lists: { [Name in ListName]: Recording[Name][number][] } = {
    filling: [],
    lockWaits: [],
    heldLocks: [],
    progress: [],
    changes: [],
    drills: [],
    observers: [],
    notMeasured: [],
    notes: [],
  };
  const servers: ServerRecord[] = [];
  const phases: Phase[] = [];
  const windows: Window[] = [];
  const steps: Step[] = [];
  let current: { name: PhaseName; startedAtMs: number } = { name: 'provision', startedAtMs: 0 };
  let load: Recording['load'] = { notMeasured: 'the load was not started' };
  let disk: Recording['disk'] = { notMeasured: 'disk was not observed' };
  let migrations = header.migrations;
  let code: Recording['code'];
  let mix: Recording['mix'];
  let probe: Recording['probe'];
  let recovery: Recording['recovery'];
  let canaries: Recording['canaries'];
  let journal: Recording['journal'];
  let replica: Recording['replica'];
  let caughtUpMs: Figure | undefined;
  let upkeep: Recording['upkeep'];
  let deadlocks: Recording['deadlocks'];

  return {
    now,
    epochMs,
    get phase() {
      return current.name;
    },
    get steps() {
      return steps;
    },
    add(list, fact) {
      (lists[list] as unknown[]).push(fact);
    },
    addServer: (server) => servers.push(server),
    enter(name) {
      phases.push({ ...current, endedAtMs: now() });
      current = { name, startedAtMs: now() };
    },
    setWindow(window) {
      const index = windows.findIndex(({ name }) => name === window.name);
      if (index < 0) windows.push(window);
      else windows[index] = window;
    },
    setLoad: (record) => {
      load = record;
    },
    setDisk: (record) => {
      disk = record;
    },
    setMigrations: (record) => {
      migrations = record;
    },
    setMix: (record) => {
      mix = record;
    },
    setCode: (record) => {
      code = record;
    },
    setCanaries: (records) => {
      canaries = records;
    },
    setJournal: (record) => {
      journal = record;
    },
    setReplica: (record) => {
      replica = record;
    },
    setReplicaCaughtUp: (figure) => {
      caughtUpMs = figure;
    },
    setUpkeep: (record) => {
      upkeep = record;
    },
    setDeadlocks: (record) => {
      deadlocks = record;
    },
    setRecovery: (record) => {
      recovery = record;
    },
    setProbe: (record) => {
      probe = record;
    },
    setStep(step) {
      const index = steps.findIndex(({ version }) => version === step.version);
      if (index < 0) steps.push(step);
      else steps[index] = step;
    },
    recording: (ended) => ({
      format: RECORDING_FORMAT,
      formatVersion: RECORDING_FORMAT_VERSION,
      harnessVersion: header.harnessVersion,
      scenario: header.scenario,
      startedAt: new Date(epochMs).toISOString(),
      endedAtMs: now(),
      ended,
      randomSeed: header.randomSeed,
      machine: {
        cores: availableParallelism(),
        memoryBytes: totalmem(),
        platform: `${process.platform}-${process.arch}`,
        nodeVersion: process.versions.node,
      },
      servers: [...servers],
      phases: [...phases, { ...current, endedAtMs: now() }],
      windows: [...windows],
      load,
      steps: withoutSecrets(steps),
      migrations,
      ...(code === undefined ? {} : { code }),
      ...(mix === undefined ? {} : { mix }),
      ...(probe === undefined ? {} : { probe: withoutSecrets(probe) }),
      ...(recovery === undefined ? {} : { recovery }),
      ...(canaries === undefined ? {} : { canaries }),
      ...(journal === undefined ? {} : { journal: withoutSecrets(journal) }),
      ...(replica === undefined ? {} : { replica: withCaughtUp(replica, caughtUpMs) }),
      ...(upkeep === undefined ? {} : { upkeep }),
      ...(deadlocks === undefined ? {} : { deadlocks: withoutSecrets(deadlocks) }),
      disk,
      budgets: header.budgets,
      ...withoutSecrets(structuredClone(lists) as Lists),
    }),
  };
}

function withCaughtUp(
  replica: NonNullable<Recording['replica']>,
  caughtUpMs: Figure | undefined,
): NonNullable<Recording['replica']> {
  return caughtUpMs === undefined || 'notMeasured' in replica ? replica : { ...replica, caughtUpMs };
}
