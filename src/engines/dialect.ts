/** Pure knowledge of a dialect's SQL text. */
import type { OutcomeClass } from '../recording/recording.ts';

export interface SqlStatement {
  /** Without the terminator, trimmed; comments inside are kept. */
  readonly text: string;
  /** 1-based line of its first token in the source text. */
  readonly line: number;
  /** 0-based character offset of its first token. */
  readonly offset: number;
}

export interface NormalisedContext {
  /** Number of columns of a table by the last part of its name; null for one that is not there. */
  columnsOf(table: string): number | null;
  /** How many values a list gets whose length the statistics do not keep. */
  readonly listLength: number;
}

/** A statement with `$1`, `$2`... for its values, or why none can be made. */
export type Replayable = { readonly statement: string } | { readonly refused: string };

export interface Dialect {
  /** Quotes one identifier; throws UsageError for what no identifier can hold (NUL). */
  quote(identifier: string): string;
  /** Quotes a possibly qualified name given as its parts. */
  quoteName(parts: readonly string[]): string;
  /** A table as statements of an application name it, whatever the database is called that they are sent to. */
  quoteTable(parts: readonly string[]): string;
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
  /** True when the server could not read the statement, so that nothing of it ran, nor its implicit commit. */
  isSyntaxError?(code: string | null): boolean;
  /** What to do about a refused statement of the schema, for errors that a setting of the server decides; else null. */
  adviceFor?(code: string | null): string | null;
  /** Removes literal values from SQL text or a message. */
  redactValues(text: string): string;
  /** The text at its full length with strings, quoted names and comments replaced by spaces: only bare SQL is left. */
  blank(text: string): string;
  /** A statement as the server's own statistics keep it, its values taken out, made into one that can be prepared. */
  fromNormalised(text: string, context: NormalisedContext): Replayable;
  /** Marks in a schema or migration text that only this dialect has, each quoted; empty when none is seen. */
  recognise(text: string): readonly string[];
}
