/** How many bytes the filled tables will take, before anything is filled. */
import type { CellValue, ColumnDescription } from '../engines/engine.ts';
import { createGenerators } from './compile.ts';
import type { GeneratorSpec } from './generator.ts';

const SAMPLE_ROWS = 200;
/** Row header, line pointer and alignment: https://www.postgresql.org/docs/current/storage-page-layout.html */
const ROW_OVERHEAD_BYTES = 32;
/** Header, line pointer and alignment of an index entry. */
const ENTRY_OVERHEAD_BYTES = 16;
/** Pages of a freshly built B-tree are 90 % full; tables have a little waste at the end of each page. */
const INDEX_FILL = 0.9;
const TABLE_FILL = 0.97;
/** Fixed storage of the kinds whose text is longer or shorter than what is stored. */
const STORED_BYTES: Readonly<Record<string, number>> = {
  int2: 2,
  int4: 4,
  int8: 8,
  bool: 1,
  date: 4,
  uuid: 16,
  timestamp: 8,
  timestamptz: 8,
  time: 8,
  timetz: 12,
  interval: 16,
  float4: 4,
  float8: 8,
  inet: 7,
  cidr: 7,
  macaddr: 6,
};

/** Bytes of tables with the indexes of their primary keys, unique sets and foreign keys; from 200 rows of each. */
export function estimateBytes(spec: GeneratorSpec): number {
  const generators = createGenerators(spec);
  let bytes = 0;
  for (const { description, rows, existingKeys } of spec.tables) {
    const generator = generators.get(description.name);
    if (generator === undefined || rows === 0 || existingKeys !== null) continue;
    const widths = new Map<string, number>(description.columns.map(({ name }) => [name, 0]));
    const sampled = Math.min(rows, SAMPLE_ROWS);
    for (let index = 0; index < sampled; index += 1)
      for (const column of description.columns) {
        if (!generator.columns.includes(column.name)) continue;
        const row = Math.floor((index * rows) / sampled);
        const width = storedBytes(column, generator.cell(row, column.name));
        widths.set(column.name, (widths.get(column.name) ?? 0) + width / sampled);
      }
    const sum = (columns: readonly string[]) =>
      columns.reduce((total, column) => total + (widths.get(column) ?? 0), 0);
    const keys = [
      description.primaryKey,
      ...description.uniques,
      ...description.foreignKeys.map((key) => key.columns),
    ];
    const rowBytes = (sum([...widths.keys()]) + ROW_OVERHEAD_BYTES) / TABLE_FILL;
    const entryBytes = keys
      .filter((columns) => columns.length > 0)
      .reduce((total, columns) => total + (sum(columns) + ENTRY_OVERHEAD_BYTES) / INDEX_FILL, 0);
    bytes += rows * (rowBytes + entryBytes);
  }
  return Math.ceil(bytes);
}

function storedBytes(column: ColumnDescription, value: CellValue): number {
  if (value === null) return 0;
  const fixed = STORED_BYTES[column.type.base];
  if (fixed !== undefined && column.type.element === null) return fixed;
  return (typeof value === 'string' ? Buffer.byteLength(value) : value.length) + 1;
}
