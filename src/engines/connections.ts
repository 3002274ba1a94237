/** Connections of an engine: sessions for us, lean connections for the load, and the database roles. */
import type { OutcomeClass } from '../recording/recording.ts';
import type { CellValue } from './filling.ts';

/** Everything needed to connect; plain data, so that it can be sent to a worker. Holds a password: never print it. */
export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  /** Unix socket: the folder on Postgres, the file on MySQL; wins over host and port. */
  readonly socket: string | null;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: boolean;
  /** With `tls`: the server's certificate and name are checked; default false, as sslmode=require does. */
  readonly verifyTls?: boolean;
}

export interface SessionOptions {
  /** Shown in the engine's own views. */
  readonly applicationName: string;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /**
   * True: `query` prepares each text once, where the engine can, and the server parses and plans it no more: for few texts that
   * are asked many times a second. Default: false.
   */
  readonly prepared?: boolean;
}

/** One database connection of ours. */
export interface Session extends AsyncDisposable {
  /** As the server numbers it (backend pid, connection id). */
  readonly id: number;
  readonly target: ConnectionTarget;
  /** One statement with bound values; rows as objects by column name. Errors are {@link SqlError}. */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>;
  /**
   * Text as one message, as a script runner sends it; several statements where the engine can, one with bound values.
   * Returns the rows read or affected by the last statement, null when the server does not tell.
   */
  execute(text: string, values?: readonly unknown[]): Promise<{ readonly rows: number | null }>;
  /** Cancels what the session is running, through a second connection. */
  cancel(): Promise<void>;
}

/** A failed statement, as the server said it. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  readonly code: string | null;
  readonly statement: string | null;
  readonly position: number | null;
  /** Statements of the same message that the server had completed before; null where it is not known. */
  readonly completed: number | null;
  constructor(
    message: string,
    facts: {
      code: string | null;
      statement: string | null;
      position: number | null;
      completed?: number | null;
      cause?: unknown;
    },
  ) {
    super(message, { cause: facts.cause });
    this.code = facts.code;
    this.statement = facts.statement;
    this.position = facts.position;
    this.completed = facts.completed ?? null;
  }
}

/** The users of the three database roles, and one for drills; each with a password of its own. */
export interface RoleTargets {
  /** Owns the schema. */
  readonly migrator: ConnectionTarget;
  /** Default privileges on what the migrator creates. */
  readonly load: ConnectionTarget;
  readonly drill: ConnectionTarget;
  /** Reads the engine's views; connected to another database where snapshots of ours could hinder a migration. */
  readonly observer: ConnectionTarget;
  /** The observer inside the rehearsed database, for progress views and catalogs. */
  readonly observerInside: ConnectionTarget;
  /** The superuser, for preparing and settling. */
  readonly administrator: ConnectionTarget;
}

export interface Connections {
  /** Parses a connection URL; UsageError names what is wrong without printing the password. */
  parseUrl(url: string): ConnectionTarget;
  /** Opens a session; EnvironmentError says host, port, user and what to do when it cannot. */
  connect(target: ConnectionTarget, options: SessionOptions, signal?: AbortSignal): Promise<Session>;
  /** Opens a lean connection for the load; used inside a worker thread. */
  connectLoad(target: ConnectionTarget, options: LoadConnectionOptions): Promise<LoadConnection>;
  /** Creates the rehearsed database and the roles. Idempotent. */
  createRoles(administrator: Session, database: string): Promise<RoleTargets>;
  /** Removes the roles from a server that is not ours; what they own goes over to the administrator. Idempotent. */
  dropRoles(administrator: Session, database: string): Promise<void>;
}

export interface LoadConnectionOptions {
  readonly applicationName: string;
  readonly statementTimeoutMs: number | null;
  readonly protocol: 'prepared' | 'unnamed' | 'simple';
  /** Called once when the connection is gone for good (server killed, session terminated). */
  readonly onLost: () => void;
}

export interface LoadStatement {
  /** Unique in the load; the name of the prepared statement. Empty: sent as plain text, never prepared (`begin`). */
  readonly name: string;
  readonly text: string;
}

export interface LoadFailure {
  readonly code: string | null;
  readonly message: string;
  readonly outcome: OutcomeClass;
}

/** One connection of the application's pool. Result rows are dropped. One statement at a time. */
export interface LoadConnection {
  readonly id: number;
  run(
    statement: LoadStatement,
    values: readonly CellValue[],
    done: (failure: LoadFailure | null) => void,
  ): void;
  close(): Promise<void>;
}

/** Name of the session that runs the migration; every session of ours has a name that begins as this one does. */
export const MIGRATION_APPLICATION = 'rehearse migration';

/** True for a session of ours that is not the migration's, by its name in the server's views. */
export function isOursBeside(applicationName: string): boolean {
  return applicationName.startsWith('rehearse ') && applicationName !== MIGRATION_APPLICATION;
}
