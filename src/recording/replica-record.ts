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
}

export interface ReplicaConflict {
  /** As the server names it: "lock", "snapshot". */
  readonly kind: string;
  readonly count: number;
}

/** What the replica had not applied at one instant. */
export interface LagSample {
  readonly atMs: number;
  /** Bytes of log written by the primary and not yet applied. */
  readonly lagBytes: number;
  /** Bytes of log that had not even arrived; null where that is not told. */
  readonly notReceivedBytes: number | null;
  /** How long ago the primary was where the replica is: at least, and at most. */
  readonly lagMs: readonly [least: number, most: number];
}
