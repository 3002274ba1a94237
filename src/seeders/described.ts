/** What the recording says of filled tables. */
import type { Engine, Session } from '../engines/engine.ts';
import type { TableSpec } from '../generators/index.ts';
import { exactly, notMeasured } from '../recording/figure.ts';
import type { TableFilling } from '../recording/recording.ts';

export interface FilledTables {
  readonly specs: readonly TableSpec[];
  /** Milliseconds by table, of those that were loaded; null when every row came out of a dump. */
  readonly durations: ReadonlyMap<string, number> | null;
}

/** With the sizes that the server tells. */
export async function describeFilled(
  { engine, session }: { readonly engine: Engine; readonly session: Session },
  { specs, durations }: FilledTables,
): Promise<readonly TableFilling[]> {
  const sizes = await engine.filling.sizes(
    session,
    specs.map(({ description }) => description),
  );
  return specs.map(({ description: { name }, rows, existingKeys }) => {
    const bytes = sizes.get(name);
    return {
      table: name,
      bytes:
        bytes === undefined
          ? notMeasured(`the server told no size of ${name}`)
          : exactly(bytes, 'size of the table with its indexes, as the server tells it'),
      rows,
      durationMs: durations?.get(name) ?? null,
      generated: durations !== null && existingKeys === null,
    };
  });
}
