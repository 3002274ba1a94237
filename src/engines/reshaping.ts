/** Statements that thin and mask tables in bulk, where the rows are. */
import type { ForeignKey, TableDescription } from './schema.ts';

export interface Reshaping {
  /** One statement that deletes the rows that are not kept; its row count tells how many went. */
  thin(thinning: Thinning): string;
  /** A table for the new values of some columns, empty, with the number of their row first. */
  createValues(values: MaskedValues): string;
  /**
   * Puts the values in: the row with the n-th smallest key gets those of number n, from 0; what is null stays null. Null
   * when the table has no key by which its rows could be told apart.
   */
  applyValues(values: MaskedValues): string | null;
  /** Statements that make a table as small as its rows; none may be in a transaction. */
  rewrite(table: TableDescription): readonly string[];
}

export interface Thinning {
  readonly table: TableDescription;
  /** Share of the rows, 0..1, chosen by a hash of `shareColumns`: the same rows each time. */
  readonly share: number;
  readonly shareColumns: readonly string[];
  /**
   * Keys whose parents may be gone. When there are any, a row is kept when none of its parents is gone; one that refers
   * to nothing but itself is kept when it is in the share. Without any, a row is kept when it is in the share.
   */
  readonly follows: readonly Reference[];
  /** Keys of children: a row that one of them refers to is kept in any case. */
  readonly keptBy: readonly Reference[];
}

export interface Reference {
  readonly key: ForeignKey;
  /** Parts of the name of the table at the other end. */
  readonly parts: readonly string[];
  /** The table at the other end is the table itself. */
  readonly own: boolean;
}

export interface MaskedValues {
  readonly table: TableDescription;
  readonly columns: readonly string[];
  /** Parts of the name of the table of values. */
  readonly values: readonly string[];
}

/** Name of the column that numbers the rows of a table of values. */
export const ROW_NUMBER = 'rehearse_row';
