/** Learning exactly what a statement does, on a small copy of the database that has a server without load to itself. */
import type { StatementEffects } from '../recording/recording.ts';
import type { ConnectionTarget } from './connections.ts';

export interface ProbeRequest {
  /**
   * The superuser's way into the small copy. The server is ours alone: further databases may be made on it, and the
   * probe takes away those that it made.
   */
  readonly administrator: ConnectionTarget;
  readonly signal: AbortSignal;
}

export interface Probing {
  /** Server settings that the small server needs, or that make it quick without changing what statements do. */
  readonly settings: Readonly<Record<string, string>>;
  /** So quick that each rehearsal has it; where it is not, REHEARSE_PROBE=on asks for it. */
  readonly besideFilling: boolean;
  open(request: ProbeRequest): Promise<Probe>;
}

/** A copy of the database with one session on it in which statements follow each other. One call at a time. */
export interface Probe extends AsyncDisposable {
  /** Runs a statement for good in that session: a setting, or a statement after it was measured. Errors are SqlError. */
  execute(statement: string): Promise<void>;
  /**
   * Learns what the statement does; afterwards the database and the session are as before. The server is asked
   * everything: nothing is known of a statement by its text. SqlError where the statement itself fails.
   */
  measure(statement: string): Promise<StatementEffects>;
}
