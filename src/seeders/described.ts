/** What the recording says of filled tables. */
import type { Engine, Session, TableDescription } from '../engines/engine.ts';
import { exactly, notMeasured } from '../recording/figure.ts';
import type { TableFilling } from '../recording/recording.ts';

/** A table with what its filling alone knows. */
export interface FilledTable extends Omit<TableFilling, 'table' | 'bytes' | 'wear'> {
  readonly description: TableDescription;
}

/** With the sizes that the server tells. */
export async function describeFilled(
  engine: Engine,
  session: Session,
  tables: readonly FilledTable[],
): Promise<readonly TableFilling[]> {
  const sizes = await engine.filling.sizes(
    session,
    tables.map(({ description }) => description),
  );
  return tables.map(({ description: { name }, ...known }) => {
    const bytes = sizes.get(name);
    return {
      table: name,
      bytes:
        bytes === undefined
          ? notMeasured(`the server told no size of ${name}`)
          : exactly(bytes, 'size of the table with its indexes, as the server tells it'),
      ...known,
    };
  });
}
