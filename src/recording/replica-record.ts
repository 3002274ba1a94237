/** How far a replica was behind while the migration ran. */
import type { Figure } from './figure.ts';

export interface ReplicaRecord {
  /** Where the positions are read. */
  readonly source: string;
  /** Time between two readings. */
  readonly intervalMs: number;
  /** The largest of the rehearsal, from the start of the migration window on. */
  readonly lagMs: Figure;
  readonly lagBytes: Figure;
  /** The largest of each stretch, in the order of time. */
  readonly samples: readonly LagSample[];
  /** Sessions of the replica that it cancelled because of what it had to apply; kinds without any are left out. */
  readonly conflicts: readonly ReplicaConflict[] | { readonly notMeasured: string };
  /** Schema changes that it applied from the start of the migrations on, in the order of time. Left out by older harnesses. */
  readonly replays?: readonly ReplayRecord[] | { readonly notMeasured: string };
  /** Further ones that were not kept, at least. */
  readonly replaysNotKept?: number;
  /** How its threads waited for each other meanwhile. Left out by older harnesses. */
  readonly applier?: ApplierRecord | { readonly notMeasured: string };
  /** Why it applied nothing more, and when that was seen; null: it never stopped. Left out by older harnesses. */
  readonly stoppedBy?: ReplicaStop | null;
  /** From the end of the load until it had applied all. Left out where nobody waited for it. */
  readonly caughtUpMs?: Figure;
}

export interface ReplicaStop {
  readonly atMs: number;
  /** Number of the server's error. */
  readonly code: string;
  /** Without values of rows. */
  readonly message: string;
}

export interface ReplayRecord {
  /** Null where it is no statement of the migration that is known. */
  readonly statementId: string | null;
  /** As the server names it: "alter table". */
  readonly kind: string;
  readonly startedAtMs: Figure;
  /** On the replica, its waits there included; so far where it has not ended. */
  readonly durationMs: Figure;
  /** By which the waits of the threads that apply grew while it ran, summed over them: for each other, not for the primary. */
  readonly othersWaitedMs: Figure;
  /** By which their waits for metadata locks grew meanwhile: it waited itself, for readers of the replica. Part of durationMs. */
  readonly lockWaitedMs?: Figure;
  readonly ended: boolean;
  readonly failed: boolean;
}

export interface ApplierRecord {
  /** Threads that apply in parallel; 0: one alone. */
  readonly workers: number;
  /** Summed over the threads, from the start of the migrations on, by what the server names the wait; those without any are left out. */
  readonly waitedMs: Readonly<Record<string, number>>;
  readonly source: string;
}

export interface ReplicaConflict {
  /** As the server names it: "lock", "snapshot". */
  readonly kind: string;
  readonly count: number;
}

/** What the replica had not applied at one instant. */
export interface LagSample {
  readonly atMs: number;
  /** Bytes of log written by the primary and not yet applied, at most. */
  readonly lagBytes: number;
  /** Bytes of log that had not even arrived; null where that is not told. */
  readonly notReceivedBytes: number | null;
  /** How long ago the primary was where the replica is: at least, and at most. */
  readonly lagMs: readonly [least: number, most: number];
}
