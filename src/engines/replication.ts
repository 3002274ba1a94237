/** How a second server of an engine is made to follow the first one, and how far behind it is. */
import type { Session } from './connections.ts';

/** Where a replica reaches the server that it follows. */
export interface PrimaryAddress {
  readonly host: string;
  readonly port: number;
}

/** A file of the data directory, path relative to it with `/`. */
export interface ReplicaFile {
  readonly path: string;
  readonly text: string;
  /** True: added to what is there. */
  readonly append: boolean;
}

export interface ReplicaState {
  /** Positions in the log of the primary, in bytes: applied there, and arrived there; null where it is not told. */
  readonly appliedPosition: number | null;
  readonly receivedPosition: number | null;
  /** Since the replica was started, by their names: statements that it cancelled because of what it had to apply. */
  readonly conflicts: Readonly<Record<string, number>>;
}

export interface ReplicationReader {
  readonly source: string;
  /** Of what the primary has written to its log, in bytes. */
  primaryPosition(): Promise<number>;
  replicaState(): Promise<ReplicaState>;
}

export interface Replication {
  /**
   * Called on the running primary, a superuser's session, after its data directory was copied while it was stopped. Makes
   * what the replica needs on the primary, and returns what its data directory needs before its first start. UsageError
   * for settings with which there is no replica.
   */
  prepare(primary: Session, address: PrimaryAddress): Promise<readonly ReplicaFile[]>;
  /** True as soon as the replica has applied what the primary has written. */
  isFollowing(primary: Session): Promise<boolean>;
  /** `primary`: to any database of it; `replica`: to the rehearsed database. Both as the observer. */
  openReader(primary: Session, replica: Session): Promise<ReplicationReader>;
}
