/** What an engine says of a schema and of statements on it. */
import type { Session } from './connections.ts';

/**
 * Broad kind of a column's values, from which a generator is chosen. Cells of a `shape` (of the OGC's simple features) are
 * bytes: 4 for the number of its reference system, then its well-known binary, all little-endian; those of a `vector` are
 * its 4-byte floats.
 */
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
  | 'shape'
  | 'vector'
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
  /** Of `bytes`: the bits that may be set, where they are not all; the first byte is the highest. */
  readonly precision: number | null;
  readonly scale: number | null;
  readonly unsigned: boolean;
  /** Labels of an enum or set; the words for true and false of a boolean where they are no `true` and `false`. */
  readonly labels: readonly string[];
  /** Element type of an array. */
  readonly element: ColumnType | null;
  /** Fields of a composite type; a range has one, its `subtype`. */
  readonly fields: readonly { readonly name: string; readonly type: ColumnType }[];
  /** Characters that text may have; all when it is absent. */
  readonly repertoire?: 'ascii' | 'latin1';
  /** Of a shape: the number of its reference system; absent: 0, a plane. */
  readonly referenceSystem?: number;
}

export interface ColumnDescription {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** Default expression as the engine prints it. */
  readonly defaultExpression: string | null;
  /** Filled by the server only: a generated column, or identity ALWAYS that a bulk load may still set. */
  readonly generated: 'no' | 'stored' | 'virtual' | 'identity always' | 'identity by default';
  /** Of a generated column: what it is computed from, as the engine prints it. */
  readonly generation?: string;
  /** A unique key looks at no more than so many characters (or bytes) of its values; absent: at all of them. */
  readonly distinctLength?: number;
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** Qualified name of the referenced table, as in TableDescription.name. */
  readonly references: string;
  readonly referencedColumns: readonly string[];
}

/**
 * A condition that a row keeps so that an index holds: `NOT (is_default)` where the rows of a partial unique index could
 * not be told apart. `disjoint_span(a, b, 3600, 3599)` says that different a lie 3600 units (seconds) apart, and each b at
 * most 3599 behind its a, so that such spans never meet.
 */
export interface ImpliedRule {
  readonly name: string;
  readonly of: 'unique index' | 'exclusion constraint';
  readonly expression: string;
}

/** One level of partitions: its key, and the bounds of a partition and of its siblings, as the engine prints them. */
export interface PartitionStep {
  readonly key: string;
  readonly bound: string;
  readonly siblings: readonly string[];
}

export interface TableDescription {
  /** Name used everywhere in a recording: qualified unless in the default schema. */
  readonly name: string;
  /** Parts for quoting: [schema, table]. */
  readonly parts: readonly string[];
  readonly columns: readonly ColumnDescription[];
  readonly primaryKey: readonly string[];
  /**
   * Columns of unique constraints and indexes, those inside of expressions too, without the primary key. Of an index of
   * some rows only where all rows may as well differ.
   */
  readonly uniques: readonly (readonly string[])[];
  /** Name of a unique index on a constant, which leaves room for a single row; absent where there is none. */
  readonly singleRow?: string;
  readonly foreignKeys: readonly ForeignKey[];
  /** Domain checks are listed under the column that uses them. */
  readonly checks: readonly { readonly name: string; readonly expression: string }[];
  /** What indexes ask of rows beyond `uniques`, as conditions; left out where there are none. */
  readonly implied?: readonly ImpliedRule[];
  /** Unique indexes with expressions: what is in each key, as the engine prints it. */
  readonly expressionKeys?: readonly { readonly name: string; readonly expressions: readonly string[] }[];
  readonly partitioning: 'none' | 'parent' | 'partition';
  /** Bounds of the partitions right below, as the engine prints them; empty where there are none. */
  readonly partitionBounds: readonly string[];
  readonly partitionKey: string | null;
  /** Where partitions have partitions: for each one that holds rows, the steps down to it. */
  readonly partitionLeaves?: readonly (readonly PartitionStep[])[];
  /** True when the table already holds a row. */
  readonly hasRows: boolean;
}

/** Where a value of a statement goes to or is compared with. */
export interface ParameterInspection {
  readonly type: ColumnType;
  readonly column: { readonly table: string; readonly column: string } | null;
  /**
   * `amount`: it is added, subtracted, multiplied, or compared with a sum; `output`: it is an item of a select list, or a
   * switch (`$1 is null or ...`). Neither says which rows are meant, so that any value of its type will do.
   */
  readonly role:
    | 'inserted'
    | 'set'
    | 'equality'
    | 'range'
    | 'limit'
    | 'offset'
    | 'amount'
    | 'output'
    | 'unknown';
  /** It is compared with what is made of the column, not with the column itself. */
  readonly expression?: KeyExpression;
}

/** SQL over the columns of one table, in the engine's own words: "lower((u.email)::text)". It may give several rows. */
export interface KeyExpression {
  readonly text: string;
  /** What the table is called in it, without quotes. */
  readonly alias: string;
}

export interface StatementInspection {
  readonly parameters: readonly ParameterInspection[];
  readonly tables: readonly string[];
  readonly kind: 'read' | 'write';
  /** Tables that the server's plan for unknown values reads from end to end, or why there is no plan. */
  readonly fullScans: readonly string[] | { readonly notMeasured: string };
}

/** Values of one row as text; null where it has none. */
export type SampledRow = readonly (string | null)[];

export interface SchemaAccess {
  /** Every user table of the database, partitions included, ordered by name. */
  describe(session: Session): Promise<readonly TableDescription[]>;
  /** Asks the server what the parameters of a statement are; throws SqlError when it cannot be prepared. */
  inspect(session: Session, statement: string): Promise<StatementInspection>;
  /**
   * Up to `limit` values of live rows, as text, the same for the same rows: of a column, or of an expression, which is
   * evaluated in a transaction that only reads. SqlError when the server cannot evaluate it on these rows.
   */
  sampleKeys(
    session: Session,
    table: TableDescription,
    key: string | KeyExpression,
    limit: number,
  ): Promise<readonly string[]>;
  /**
   * Up to `limit` live rows spread over the table, the same for the same rows: of each, as text, what `keys` are in it (at
   * least two columns or expressions). Rows that lack one are left out, unless all do. SqlError as of `sampleKeys`.
   */
  sampleRows(
    session: Session,
    table: TableDescription,
    keys: readonly (string | KeyExpression)[],
    limit: number,
  ): Promise<readonly SampledRow[]>;
  /**
   * SQL for what a column of bytes holds, as hexadecimal digits, in which `sampleRows` gives it too; absent where the text of
   * bytes is what a parameter takes.
   */
  bytesInHex?(column: string): string;
  /** Exact number of rows. */
  countRows(session: Session, table: TableDescription): Promise<number>;
}
