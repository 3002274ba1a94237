/** What the user is told while tables are filled: one line for all streams. Pure but for the clock that is handed in. */
import type { StreamProgress } from './fill-shares.ts';
import type { FillingProgress } from './seeder.ts';

/** Of work that is not the loading of a table's rows. */
export const OF_NO_TABLE = {
  fraction: null,
  table: null,
  rowsPerSecond: null,
  bytesPerSecond: null,
  secondsLeft: null,
  secondsLeftOfAll: null,
} as const;

export interface ProgressTable {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
}

export interface FillingWatch {
  tell(stream: number, progress: StreamProgress): void;
  /** From the first row of a table to its last one, by name. */
  durations(): ReadonlyMap<string, number>;
}

interface Seen {
  readonly name: string;
  readonly ofRows: number;
  /** Work of a row beside those of other tables. */
  readonly weight: number;
  readonly beganAt: number;
  endedAt: number;
  readonly streams: Map<number, StreamProgress>;
}

const MEBIBYTE = 2 ** 20;

/** `now` in milliseconds. */
export function watchFilling(
  tables: readonly ProgressTable[],
  onProgress: (progress: FillingProgress) => void,
  now: () => number,
): FillingWatch {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const work = tables.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const seen = new Map<string, Seen>();
  const startedAt = now();

  function report(table: Seen): void {
    const seconds = Math.max(0.001, (now() - table.beganAt) / 1000);
    const { rows, bytes } = sumOf(table);
    const done = [...seen.values()].reduce((sum, each) => sum + sumOf(each).rows * each.weight, 0);
    const fraction = work === 0 ? null : done / work;
    const rowsPerSecond = rows === 0 ? null : Math.round(rows / seconds);
    const bytesPerSecond = rows === 0 ? null : Math.round(bytes / seconds);
    const secondsLeft = rows === 0 ? null : Math.ceil((seconds * (table.ofRows - rows)) / rows);
    const secondsLeftOfAll =
      fraction === null || fraction === 0
        ? null
        : Math.ceil(((now() - startedAt) / 1000) * (1 / fraction - 1));
    const facts = { table: table.name, rows, ofRows: table.ofRows, rowsPerSecond, bytesPerSecond };
    const left = { fraction, secondsLeft, secondsLeftOfAll };
    onProgress({ message: messageOf({ ...facts, ...left }), ...facts, ...left });
  }

  return {
    tell(stream, progress) {
      const table = seen.get(progress.table) ?? begin(byName.get(progress.table), now());
      seen.set(progress.table, table);
      table.streams.set(stream, progress);
      table.endedAt = now();
      report(table);
    },
    durations: () => new Map([...seen].map(([name, { beganAt, endedAt }]) => [name, endedAt - beganAt])),
  };
}

function begin(table: ProgressTable | undefined, at: number): Seen {
  if (table === undefined) throw new Error('progress of a table that is not filled');
  const { name, rows, columns } = table;
  return { name, ofRows: rows, weight: columns, beganAt: at, endedAt: at, streams: new Map() };
}

function sumOf({ streams }: Seen): { readonly rows: number; readonly bytes: number } {
  let [rows, bytes] = [0, 0];
  for (const each of streams.values()) {
    rows += each.rows;
    bytes += each.bytes;
  }
  return { rows, bytes };
}

function messageOf(progress: Omit<FillingProgress, 'message'>): string {
  const { table, rows, ofRows, rowsPerSecond, bytesPerSecond, secondsLeft, secondsLeftOfAll } = progress;
  const counted = `${table}: ${rows} of ${ofRows} rows`;
  if (rowsPerSecond === null || bytesPerSecond === null) return counted;
  const rate = `${rowsPerSecond}/s, ${Math.round(bytesPerSecond / MEBIBYTE)} MiB/s, ${secondsLeft} s left`;
  return `${counted} (${rate})${secondsLeftOfAll === null ? '' : `; all tables: ${secondsLeftOfAll} s left`}`;
}
