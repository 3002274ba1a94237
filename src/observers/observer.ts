/** An observer reads an engine view on sessions of its own while the migration runs, and concludes nothing. */
import type {
  Engine,
  Replication,
  RoleTargets,
  ToldCancel,
  ToldDeadlock,
  ToldWait,
} from '../engines/engine.ts';
import type { Server } from '../provisioners/provisioner.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { Step } from '../recording/recording.ts';
import type { UnderWay } from './time-left.ts';

/** What observers are started with. */
export interface ObservationRequest {
  readonly engine: Engine;
  /** Where its files can be seen. */
  readonly server: Pick<Server, 'dataDirectory'>;
  readonly roles: RoleTargets;
  readonly recorder: Recorder;
  /**
   * Names of the tables in which the tool keeps its ledger, without their schema: what it does to them is no effect of a
   * migration. Left out: none.
   */
  readonly ledgerTables?: ReadonlySet<string>;
  /** Told of each reading of a statement of the migration that is under way; left out: nobody looks. */
  readonly onUnderWay?: (statement: UnderWay) => void;
  /** Left out or null: no replica runs. */
  readonly replica?: ReplicaToObserve | null;
}

export interface ReplicaToObserve {
  readonly replication: Replication;
  /** On the replica. */
  readonly roles: RoleTargets;
}

export interface ObserveRequest extends ObservationRequest {
  /** Lock waits that the server's journal has told so far, their instants on the recorder's clock. */
  readonly toldWaits: ToldWait[];
  readonly told: Told;
  readonly migration: MigrationSeen;
}

/** What the readings of the locks have shown of the migration's sessions. */
export interface MigrationSeen {
  /** As of this instant they had no relation locked: nothing of it that takes time was under way. Null: they had, or it is not known. */
  idleAtMs: number | null;
  /** Gets a BUSY event with the reading that shows the first of them: what is read seldom meanwhile is read at once. */
  readonly changes: EventTarget;
}

export const BUSY = 'busy';

/** Of a migration that nobody has looked at. */
export function migrationUnseen(): MigrationSeen {
  return { idleAtMs: null, changes: new EventTarget() };
}

/** Not known for longer than a look at the locks may take. */
const KNOWN_FOR_MS = 1_000;

/** True where nothing of the migration is under way, as far as its locks tell: what can be seen of it need not be read. */
export function isIdle({ migration, recorder }: Pick<ObserveRequest, 'migration' | 'recorder'>): boolean {
  return migration.idleAtMs !== null && recorder.now() - migration.idleAtMs < KNOWN_FOR_MS;
}

/** What else the journal has told. */
export interface Told {
  /** Work of the server that gave way; null as long as no journal tells it. */
  cancels: ToldCancel[] | null;
  /** Which waits are in `toldWaits` for certain; null: none are. */
  waits: ToldCompletely | null;
  /** Null as long as no journal tells them. */
  deadlocks: { readonly source: string; readonly all: ToldDeadlock[] } | null;
  /** Of the migration's sessions: what one of them has locked it keeps to the end. */
  transactions: readonly ToldTransaction[];
}

/** From the beginning of its first statement to the end of its last one. */
export interface ToldTransaction {
  readonly sessionId: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** All waits of sessions that somebody else than the migration opened here, from a length on and until an instant. */
export interface ToldCompletely {
  readonly fromLengthMs: number;
  readonly untilMs: number;
}

/** Reads until it is disposed of; then its facts reach the recorder. */
export interface RunningObserver extends AsyncDisposable {
  /** Right before the first step of the migration. */
  beforeSteps?(): Promise<void>;
  /** After each step, while nothing of the migration runs. */
  afterStep?(step: Step): Promise<void>;
}

export interface Observer {
  readonly name: string;
  /** Opens its sessions and begins to read. */
  start(request: ObserveRequest): Promise<RunningObserver>;
}
