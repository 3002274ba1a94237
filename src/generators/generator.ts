/**
 * Row-addressable values: value = f(randomSeed, table, column, row). Pure, so that any thread makes any row, a child
 * knows its parent's key without reading it back, and the load can insert the rows that come after the filled ones.
 *
 * A larger volume extends a smaller one: a row that both have is the same in both, as long as the tables grow in
 * proportion. With a profile this holds up to production's own volume and from 3000 rows on, for nulls and for every column
 * whose rows lie in no order. It cannot hold, and value = f(randomSeed, table, column, row, rows of the table), where
 *
 *  - the rows lie in the order of their values (a correlation that repeated values alone do not give): half as many rows must
 *    hold all values as well, so they cannot be the first half; counted keys in order have no such end, and are the same
 *  - a foreign key refers to a table that grows: at the volume that ends with a row its parent must be there, so that later
 *    rows would have later parents, a correlation of some 2/3 whatever production's is
 *  - the columns of a composite key share the rows out between them
 *  - production has fewer rows, of values of which there are more in more rows
 *
 * Any thread makes any row range and two runs of one volume are byte-identical everywhere.
 */
import type { CellSource, CellValue, TableDescription } from '../engines/engine.ts';
import type { TableProfile } from '../profile/profile.ts';
import type { TableDataPlan } from '../scenario/plan.ts';

/** Plain data from which the same generators can be made on any thread. */
export interface GeneratorSpec {
  readonly randomSeed: number;
  readonly tables: readonly TableSpec[];
}

export interface TableSpec {
  readonly description: TableDescription;
  /** Rows to fill; later row numbers are those of the load's inserts. */
  readonly rows: number;
  readonly overrides: TableDataPlan['columns'];
  /** Keys by column that are there already, when the table was not generated; else null. Large tables give a sample. */
  readonly existingKeys: Readonly<Record<string, readonly string[]>> | null;
  /**
   * Of a table whose rows came out of a dump and that can take new ones: the largest value of each counted column, beyond
   * which new rows go on. Without it the load adds no rows to a table that was not generated.
   */
  readonly largest?: Readonly<Record<string, number>>;
  /** What production's table is like; left out where no profile tells. `overrides` wins over it column by column. */
  readonly profile?: TableProfile;
}

export interface TableGenerator {
  readonly table: TableDescription;
  readonly rows: number;
  /** Rows that can exist before a unique constraint has no further value; a load inserts no row from here on. */
  readonly capacity: number;
  /** Columns that are filled, in the order of the cells; generated columns are left out. */
  readonly columns: readonly string[];
  /** Cells of the row with this 0-based number; the same array is reused, so copy what must be kept. */
  row(rowNumber: number): readonly CellValue[];
  cell(rowNumber: number, column: string): CellValue;
  /** The same cells column by column, in the order of `columns`. */
  cellSources(): readonly CellSource[];
}
