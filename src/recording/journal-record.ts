/** The statements of the migration's database user as the server itself tells them, whoever sent them. */
import type { Figure } from './figure.ts';
import type { SqlFailure } from './migrations-record.ts';
import type { ServerRole } from './recording.ts';

export interface StatementJournal {
  readonly server: ServerRole;
  /** Where the server tells them: "server log (jsonlog)", "events_statements_history_long". */
  readonly source: string;
  /** As the server told them: those of a session in their order. What a tool keeps its own ledger with is among them. */
  readonly statements: readonly JournalStatement[];
}

export interface JournalStatement {
  /** As the server numbers it; 0: it was gone before anybody saw its number. */
  readonly sessionId: number;
  readonly applicationName: string;
  readonly text: string;
  /** The server keeps no more than the beginning of a text as long as this one. */
  readonly textCut?: true;
  /** Counted over the journal from 0: statements that travelled together have the same number. */
  readonly message: number;
  /** Index in the journal of the statement that ran this one (a block, a function, a procedure); null: a client sent it. */
  readonly within: number | null;
  /** How often it ran inside the other one; its duration, rows and log are those of all runs. Left out: once. */
  readonly runs?: Figure;
  /** On the recorder's clock, with the error of the server's own. */
  readonly startedAtMs: Figure;
  readonly durationMs: Figure;
  readonly outcome: 'ok' | 'failed' | 'not run' | 'unknown';
  readonly error: SqlFailure | null;
  /** Equal for the statements of one transaction (Postgres: virtual transaction); null where the server does not tell. */
  readonly transaction: string | null;
  /** Number that the transaction got for what it changed; null for none, and where the server does not tell. */
  readonly transactionId: string | null;
  /** Rows that it returned or changed. */
  readonly rows: Figure;
  /** Left out where the server does not tell. */
  readonly warnings?: number;
  /** In which it waited for locks on rows and tables (MySQL: not for metadata locks); left out where the server does not tell. */
  readonly lockMs?: Figure;
  /** Bytes of write-ahead or redo log that it wrote. */
  readonly logBytes: Figure;
  /** The statement of a step that this is ({@link StatementRecord.id}); null for a tool's own. */
  readonly statementId: string | null;
}
