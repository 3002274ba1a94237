/** How an engine reads the shape of a database that is in use, without changing it and without a row of its data. */
import type { Profile } from '../profile/profile.ts';
import type { ConnectionTarget } from './connections.ts';

export interface CaptureRequest {
  readonly target: ConnectionTarget;
  /** Schemas to be captured; all of the user's when empty. */
  readonly schemas: readonly string[];
  /** The most common values and the bounds of histograms too: values of production's rows. */
  readonly values: boolean;
  /** Whether the server's statistics of statements are read. */
  readonly statements: boolean;
  /** No statement on the server takes longer. */
  readonly statementTimeoutMs: number;
  /** Says what is being read. */
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
}

/** A profile without what this program adds to it. */
export type CapturedFacts = Omit<Profile, 'version' | 'harnessVersion' | 'capturedAt'>;

export interface Capture {
  /**
   * Bytes that a table or index of this size grows by at once, so that sizes nearer than that tell no difference. Left
   * out where that is a page or two.
   */
  growthBytes?(bytes: number): number;
  /** True when `TableProfile.bloat` is a share of `tableBytes`; false when what is free is counted beside them. */
  readonly bloatInTable: boolean;
  /** What the help says of the rights that reading needs, a line each: the very statements. */
  readonly grants: readonly string[];
  /**
   * Reads in one read-only transaction, with limits on statements and lock waits. Needs no right beyond `grants`, and
   * says in `missing` what it could not read for want of one. EnvironmentError for a server that is too old, for a
   * database or schema without a table, and for a limit that was reached.
   */
  read(request: CaptureRequest): Promise<CapturedFacts>;
}
