/** An observer reads an engine view on sessions of its own while the migration runs, and concludes nothing. */
import type { Engine, Replication, RoleTargets, ToldCancel, ToldWait } from '../engines/engine.ts';
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
  /** The same of work of the server that gave way; null as long as no journal tells it. */
  readonly told: { cancels: ToldCancel[] | null };
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
