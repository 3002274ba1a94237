/** What the migrations did: steps, their attempts, their statements. */
import type { Figure } from './figure.ts';

export interface MigrationsRecord {
  readonly tool: string;
  readonly directory: string;
  readonly lockTimeoutMs: number | null;
  /** Versions that the ledger already held, oldest first. */
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

export interface Step {
  readonly version: string;
  readonly name: string;
  readonly file: string;
  readonly outcome: 'applied' | 'failed' | 'not run';
  /** How the tool brackets it; `implicit` where the engine commits DDL by itself. */
  readonly transaction: 'one' | 'per statement' | 'implicit';
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** How often it was tried; more than one after a lock timeout with retries. */
  readonly attempts: number;
  readonly statements: readonly StatementRecord[];
  readonly error: SqlFailure | null;
}

export interface StatementRecord {
  /** Unique in the recording: "<version>#<attempt>.<index>". */
  readonly id: string;
  readonly index: number;
  readonly attempt: number;
  readonly text: string;
  readonly line: number;
  readonly startedAtMs: number;
  /** By the server's own journal where there is one, else by the sender's clock around the message. */
  readonly durationMs: Figure;
  /** By the sender's clock, where `durationMs` is the server's. */
  readonly answeredAfterMs?: Figure;
  /** Session that ran it, as the server numbers it. */
  readonly sessionId: number | null;
  readonly outcome: 'ok' | 'failed' | 'not run';
  /** What is left of it in the database; `rolled back` when its transaction was. */
  readonly effect: 'took effect' | 'rolled back' | 'none' | 'unknown';
  readonly rows: number | null;
  readonly error: SqlFailure | null;
}

export interface SqlFailure {
  /** SQLSTATE or errno. */
  readonly code: string | null;
  readonly message: string;
  readonly statement: string | null;
  /** 1-based character position in the statement, where the server tells. */
  readonly position: number | null;
  /** Set where the server refused an ALGORITHM or a LOCK: what it would take for the same change. */
  readonly accepted?: readonly AcceptedClauses[];
}

/** An algorithm that the server takes for a statement, asked on empty tables of the same shape and row versions. */
export interface AcceptedClauses {
  readonly algorithm: string;
  /** Values of LOCK that it takes with it; none: the clause has to be left out. */
  readonly locks: readonly string[];
}
