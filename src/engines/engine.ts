/**
 * An engine is a database dialect with its catalogs: a folder behind this interface. What differs between engines is
 * asked of `capabilities` (a named ability, or the reason why it is missing), never of the engine's name.
 */
import type { DiskArea, ObservedChange, OutcomeClass, RelationDisk } from '../recording/recording.ts';

export interface Engine {
  readonly name: string;
  /** Dialects of this engine, the default one first: `postgres`; `mysql`, `mariadb`. */
  readonly flavors: readonly string[];
  readonly capabilities: Capabilities;
  /** Pure knowledge of the SQL text: no connection needed. */
  readonly dialect: Dialect;
  /** How a server of this engine is made, started and set; read by the provisioners. */
  readonly recipe: ServerRecipe;
  readonly connections: Connections;
  readonly schema: SchemaAccess;
  readonly filling: Filling;
  readonly views: ObservedViews;
}

/** An ability is there (`true`), or it is missing for a reason that a report can print. */
export type Capability = true | { readonly missing: string };

export interface Capabilities {
  /** DDL can be rolled back with its transaction. */
  readonly transactionalDdl: Capability;
  /** Several statements may travel in one message. */
  readonly multiStatementMessage: Capability;
  /** Lock timeouts below one second can be set on the server. */
  readonly fractionalLockTimeout: Capability;
  /** Table and index bytes can be told apart on disk. */
  readonly separateIndexFiles: Capability;
}

/* ------------------------------------------------------------- dialect */

export interface SqlStatement {
  /** Without the terminator, trimmed; comments inside are kept. */
  readonly text: string;
  /** 1-based line of its first token in the source text. */
  readonly line: number;
  /** 0-based character offset of its first token. */
  readonly offset: number;
}

export interface Dialect {
  /** Quotes one identifier; throws UsageError for what no identifier can hold (NUL). */
  quote(identifier: string): string;
  /** Quotes a possibly qualified name given as its parts. */
  quoteName(parts: readonly string[]): string;
  /** Quotes a text literal; for the few places where a value cannot be bound (SET, CREATE ROLE). */
  quoteLiteral(text: string): string;
  /** Placeholder of the n-th (1-based) bound value. */
  placeholder(position: number): string;
  /** Splits a script at its statement boundaries; knows quotes, comments, dollar quotes, DELIMITER, COPY data. */
  split(script: string): readonly SqlStatement[];
  /** True when the statement cannot run inside a transaction block (CREATE INDEX CONCURRENTLY, VACUUM...). */
  refusesTransaction(statement: string): boolean;
  /** What kind of statement it is, by its first words. */
  kindOf(statement: string): 'read' | 'write' | 'ddl' | 'transaction' | 'session' | 'other';
  /** Cause of a failed operation by SQLSTATE or errno. */
  classify(code: string | null, message: string): OutcomeClass;
  /** True when the error says that a lock timeout gave up; such a migration may be retried. */
  isLockTimeout(code: string | null): boolean;
  /** Removes literal values from SQL text or a message. */
  redactValues(text: string): string;
  /** The text at its full length with strings, quoted names and comments replaced by spaces: only bare SQL is left. */
  blank(text: string): string;
  /** Marks in a schema or migration text that only this dialect has, each quoted; empty when none is seen. */
  recognise(text: string): readonly string[];
}

/* --------------------------------------------------------- connections */

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
   * Text as one message without values, as a script runner sends it; several statements where the engine can.
   * Returns the rows affected by the last statement, null when the server does not tell.
   */
  execute(text: string): Promise<{ readonly rows: number | null }>;
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

/* -------------------------------------------------------------- schema */

/** Broad kind of a column's values, from which a generator is chosen. */
export type ValueKind =
  | 'integer'
  | 'decimal'
  | 'float'
  | 'boolean'
  | 'text'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'interval'
  | 'uuid'
  | 'json'
  | 'enum'
  | 'set'
  | 'bytes'
  | 'bits'
  | 'network'
  | 'range'
  | 'textSearch'
  | 'geometry'
  | 'composite'
  | 'other';

export interface ColumnType {
  readonly kind: ValueKind;
  /** As declared, in the engine's words: "numeric(10,2)", "character varying(50)". */
  readonly declared: string;
  /** The engine's base type name: "int4", "timestamptz", "varchar", "inet". */
  readonly base: string;
  /** Text, bytes or bits: longest allowed length; null when unbounded. */
  readonly maxLength: number | null;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly unsigned: boolean;
  /** Labels of an enum or set. */
  readonly labels: readonly string[];
  /** Element type of an array. */
  readonly element: ColumnType | null;
  /** Fields of a composite type; a range has one, its `subtype`. */
  readonly fields: readonly { readonly name: string; readonly type: ColumnType }[];
}

export interface ColumnDescription {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** Default expression as the engine prints it. */
  readonly defaultExpression: string | null;
  /** Filled by the server only: a generated column, or identity ALWAYS that a bulk load may still set. */
  readonly generated: 'no' | 'stored' | 'virtual' | 'identity always' | 'identity by default';
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** Qualified name of the referenced table, as in TableDescription.name. */
  readonly references: string;
  readonly referencedColumns: readonly string[];
}

export interface TableDescription {
  /** Name used everywhere in a recording: qualified unless in the default schema. */
  readonly name: string;
  /** Parts for quoting: [schema, table]. */
  readonly parts: readonly string[];
  readonly columns: readonly ColumnDescription[];
  readonly primaryKey: readonly string[];
  /** Unique constraints and unique indexes over plain columns, the primary key left out. */
  readonly uniques: readonly (readonly string[])[];
  readonly foreignKeys: readonly ForeignKey[];
  /** Domain checks are listed under the column that uses them. */
  readonly checks: readonly { readonly name: string; readonly expression: string }[];
  readonly partitioning: 'none' | 'parent' | 'partition';
  /** Bounds of the partitions right below, as the engine prints them; empty where there are none. */
  readonly partitionBounds: readonly string[];
  readonly partitionKey: string | null;
  /** True when the table already holds a row. */
  readonly hasRows: boolean;
}

/** Where a value of a statement goes to or is compared with. */
export interface ParameterInspection {
  readonly type: ColumnType;
  readonly column: { readonly table: string; readonly column: string } | null;
  readonly role: 'equality' | 'range' | 'inserted' | 'set' | 'limit' | 'unknown';
}

export interface StatementInspection {
  readonly parameters: readonly ParameterInspection[];
  readonly tables: readonly string[];
  readonly kind: 'read' | 'write';
  /** Tables that the server's plan for unknown values reads from end to end; empty where it does not tell. */
  readonly fullScans: readonly string[];
}

export interface SchemaAccess {
  /** Every user table of the database, partitions included, ordered by name. */
  describe(session: Session): Promise<readonly TableDescription[]>;
  /** Asks the server what the parameters of a statement are; throws SqlError when it cannot be prepared. */
  inspect(session: Session, statement: string): Promise<StatementInspection>;
  /** Up to `limit` values of live rows, as text, the same for the same rows. */
  sampleKeys(
    session: Session,
    table: TableDescription,
    column: string,
    limit: number,
  ): Promise<readonly string[]>;
  /** Exact number of rows. */
  countRows(session: Session, table: TableDescription): Promise<number>;
}

/* ------------------------------------------------------------- filling */

/** A value of a row for a bulk load: text in the engine's input form, bytes, or null. */
export type CellValue = string | Uint8Array | null;

export interface BulkLoadRequest {
  readonly target: ConnectionTarget;
  readonly table: TableDescription;
  readonly columns: readonly string[];
  /** Pulled as fast as the server takes them, so that memory stays flat. */
  readonly rows: Iterable<readonly CellValue[]>;
  readonly onProgress: (rows: number) => void;
  readonly signal: AbortSignal;
}

export interface Filling {
  /** Takes away what slows a bulk load (secondary indexes, foreign keys, triggers); returns how to put it back. */
  prepare(session: Session, tables: readonly TableDescription[]): Promise<DeferredObjects>;
  /** Streams rows through COPY or LOAD DATA; returns the number of rows. */
  bulkLoad(request: BulkLoadRequest): Promise<number>;
  /** Puts counters (sequences, auto_increment) past the loaded rows. */
  advanceCounters(session: Session, tables: readonly TableDescription[]): Promise<void>;
  /** Statistics, visibility, checkpoint, purge: nothing of the filling may run on into the baseline. */
  settle(session: Session, tables: readonly TableDescription[]): Promise<void>;
  /** Bytes per table with its indexes. */
  sizes(session: Session, tables: readonly TableDescription[]): Promise<ReadonlyMap<string, number>>;
}

export interface DeferredObjects {
  /** In the order in which they must run; each is one statement. */
  readonly restore: readonly string[];
}

/* ---------------------------------------------------------------- views */

/** A session as the engine's views show it; `user` tells its owner. */
export interface SeenSession {
  readonly sessionId: number;
  readonly user: string | null;
  readonly applicationName: string;
  readonly statement: string | null;
  readonly state: string | null;
}

export interface SeenWait {
  /** The same for all readings of one wait. */
  readonly key: string;
  readonly waiterId: number;
  /** Direct blockers; 0 stands for a prepared transaction or one that cannot be seen. */
  readonly blockerIds: readonly number[];
  readonly target: string;
  readonly relation: string | null;
  readonly mode: string;
  /** As the server counts it at this reading; null when it does not tell (then the span of readings counts). */
  readonly waitedMs: number | null;
}

export interface SeenLock {
  readonly sessionId: number;
  readonly relation: string;
  readonly mode: string;
}

/** A wait of an earlier reading that is gone, and what became of it as far as the locks themselves tell. */
export interface EndedWait {
  readonly key: string;
  /** `gave up`: what blocked it is still there, so that it was not granted (a timeout, a cancel, a lost session). */
  readonly became: 'granted' | 'gave up' | 'unknown';
}

export interface LockReading {
  /** From the call to the answer that the waits and locks were in; looking at sessions and blockers comes after it. */
  readonly answeredAfterMs: number;
  readonly waits: readonly SeenWait[];
  readonly ended: readonly EndedWait[];
  /** Granted locks on relations of the sessions asked for. */
  readonly held: readonly SeenLock[];
  /** Sessions that wait, waited until now, or block; read only when there is a wait. */
  readonly sessions: readonly SeenSession[];
}

export interface LockReader {
  /** Name of the view, for the figure's source. */
  readonly source: string;
  /** `holders`: user whose granted locks are wanted. Must never wait for a lock itself. */
  read(holders: string): Promise<LockReading>;
  /** Loads names of new relations; call between statements. */
  refreshNames(): Promise<void>;
}

export interface DiskReader {
  readonly source: string;
  read(): Promise<Partial<Record<DiskArea, number>>>;
  /** Position in the write-ahead or redo log, in bytes; null where the server does not tell. */
  logPosition(): Promise<number | null>;
  /** Bytes per user table and index now. */
  relations(): Promise<readonly { relation: string; kind: RelationDisk['kind']; bytes: number }[]>;
}

export interface SeenProgress {
  readonly sessionId: number;
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** State of relations in the catalogs; opaque outside the engine. */
export type RelationStates = ReadonlyMap<string, Readonly<Record<string, string | number | null>>>;

export interface ObservedViews {
  /** Opens a reader of lock waits on the two observer sessions. */
  openLockReader(cluster: Session, inside: Session): Promise<LockReader>;
  /** `dataDirectory` is a path that this process can read, or null: then SQL functions that never block. */
  openDiskReader(cluster: Session, inside: Session, dataDirectory: string | null): Promise<DiskReader>;
  readProgress(inside: Session): Promise<readonly SeenProgress[]>;
  readRelationStates(inside: Session): Promise<RelationStates>;
  /** Pure: what changed between two states, in the engine's words. */
  compareRelationStates(
    before: RelationStates,
    after: RelationStates,
  ): readonly Omit<ObservedChange, 'statementId'>[];
  /** Settings that differ from the server's defaults. */
  readSettings(session: Session): Promise<readonly { readonly name: string; readonly value: string }[]>;
  /** Server clock as milliseconds since the epoch. */
  readClock(session: Session): Promise<number>;
  /** Privileges or switches that the observers miss, each with the figure that is lost. */
  missing(session: Session): Promise<readonly { readonly what: string; readonly reason: string }[]>;
}

/* --------------------------------------------------------------- recipe */

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** `filling` is fast and unsafe; `rehearsal` is production-like. */
export type SettingsProfile = 'filling' | 'rehearsal';

/** Binaries of a server on this machine. */
export interface Installation {
  /** Root of the binaries. */
  readonly root: string;
  /** Folder of the server's program, below `root` or not. */
  readonly binDirectory: string;
  readonly version: string;
  readonly description: string;
  /** Arguments that only some builds know, for the command that makes the data directory. */
  readonly initialiseArguments: readonly string[];
  /**
   * What a private copy of `root` needs when the binaries cannot run where they are: a name for the copy, unique for
   * this build, and links to be made in it. `null`: they run where they are.
   */
  readonly copy: { readonly name: string; readonly links: readonly InstallationLink[] } | null;
}

/** Both relative to the root of the installation, with `/`. */
export interface InstallationLink {
  readonly path: string;
  /** The file that the link stands for. */
  readonly target: string;
}

export interface LocateRequest {
  readonly flavor: string;
  readonly version: string | null;
  /** `database.binary` of the scenario. */
  readonly binary: string | null;
  readonly cacheDirectory: string;
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
}

export interface EmbeddedLayout {
  /** All absolute; the data directory does not exist yet when `initialise` is called. */
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly passwordFile: string;
  readonly password: string;
}

export interface ServerRecipe {
  readonly defaultVersion: string;
  /** Settings of a profile; the user's own win in both profiles. */
  settings(
    profile: SettingsProfile,
    wanted: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>>;
  /** Makes settings permanent through SQL; they hold after the next restart. UsageError for a wrong one. */
  applySettings(session: Session, settings: Readonly<Record<string, string>>): Promise<void>;
  readonly container: {
    image(flavor: string, version: string): string;
    readonly port: number;
    readonly dataDirectory: string;
    readonly administrator: { readonly user: string; readonly database: string };
    environment(password: string): Readonly<Record<string, string>>;
    readonly command: readonly string[];
  };
  readonly embedded: {
    /** Why no such server can be had on this machine, or null; quick, and downloads nothing. */
    missing(
      request: Pick<LocateRequest, 'flavor' | 'version' | 'binary' | 'cacheDirectory'>,
    ): Promise<string | null>;
    /** Finds the binaries, or fetches them into the cache; EnvironmentError says why it cannot. */
    locate(request: LocateRequest): Promise<Installation>;
    /** Commands that make the data directory, in order. */
    initialise(installation: Installation, layout: EmbeddedLayout): readonly Command[];
    start(installation: Installation, layout: EmbeddedLayout): Command;
    /** Asks the server to stop at once but cleanly. */
    readonly stopSignal: NodeJS.Signals;
    administrator(layout: EmbeddedLayout): ConnectionTarget;
  };
}
