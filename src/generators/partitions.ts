/** Bounds of leaf partitions as Postgres prints them, turned into what values of the partition key may be. */
import type { TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';

/** Range of one partition: from inclusive, to exclusive; null is unbounded. */
export interface PartitionRange {
  readonly from: string | null;
  readonly to: string | null;
}

/** What the partitions ask of one column. */
export interface PartitionRule {
  readonly column: string;
  /** Empty when the rule is a list. */
  readonly ranges: readonly PartitionRange[];
  readonly values: readonly string[] | null;
  /** Bounds of several columns: the first must lie strictly inside, since the others decide at its ends. */
  readonly strict: boolean;
}

/** Rule of the partition key; null when every row finds a partition. Throws UsageError when that cannot be known. */
export function partitionRule(table: TableDescription): PartitionRule | null {
  if (table.partitioning !== 'parent') return null;
  const bounds = table.partitionBounds;
  if (bounds.length === 0)
    throw new UsageError(
      `${table.name}: it is partitioned but has no partition, so it cannot hold a row. ` +
        'Create a partition in the schema, or leave it empty: data.tables."' +
        `${table.name}".rows: 0`,
    );
  const rule = ruleOf(table, bounds);
  if (rule !== null && rule.ranges.length + (rule.values?.length ?? 0) > 0) return rule;
  if (rule !== null && !bounds.some(isDefault))
    throw new UsageError(`${table.name}: no value fits its partitions (${bounds.join('; ')}).`);
  return null;
}

function isDefault(bound: string): boolean {
  return /^\s*default\s*$/i.test(bound);
}

function ruleOf(table: TableDescription, bounds: readonly string[]): PartitionRule | null {
  if (bounds.every((bound) => isDefault(bound) || /\bmodulus\b/i.test(bound))) {
    requireAllRemainders(table, bounds);
    return null;
  }
  const keys = keyColumns(table.partitionKey ?? '');
  const column = table.columns.find(({ name }) => name === keys[0])?.name;
  if (column === undefined) {
    if (bounds.some(isDefault)) return null;
    throw new UsageError(
      `${table.name}: its partition key (${table.partitionKey ?? 'unknown'}) is an expression, so the rows of each ` +
        'partition cannot be told. Add a default partition to the schema.',
    );
  }
  const ranges: PartitionRange[] = [];
  const values: string[] = [];
  for (const bound of bounds) {
    const list = /\bin\s*\((.*)\)\s*$/is.exec(bound);
    const range = /\bfrom\s*\((.*)\)\s*to\s*\((.*)\)\s*$/is.exec(bound);
    if (range !== null) ranges.push({ from: firstBound(range[1] ?? ''), to: firstBound(range[2] ?? '') });
    else if (list !== null) values.push(...literals(list[1] ?? '').filter((value) => value !== null));
  }
  return { column, ranges, values: values.length > 0 ? values : null, strict: keys.length > 1 };
}

/** With a missing remainder the hash of a row would decide whether it can be stored. */
function requireAllRemainders(table: TableDescription, bounds: readonly string[]): void {
  if (bounds.some(isDefault)) return;
  const covered = bounds.reduce((sum, bound) => {
    const modulus = /\bmodulus\s+(\d+)/i.exec(bound);
    return modulus === null ? sum : sum + 1 / Number(modulus[1]);
  }, 0);
  if (Math.abs(covered - 1) > 1e-9)
    throw new UsageError(
      `${table.name}: its hash partitions (${bounds.join('; ')}) do not cover every remainder, so some rows would ` +
        'have no partition. Create the missing partitions in the schema.',
    );
}

/** `RANGE (created_at, "Region")` -> created_at, Region; operator classes and collations are dropped. */
function keyColumns(key: string): readonly string[] {
  const inside = /\((.*)\)\s*$/s.exec(key)?.[1] ?? key;
  return inside.split(',').map((part) => {
    const quoted = /^\s*(?:"((?:[^"]|"")+)"|`([^`]+)`)/.exec(part);
    if (quoted !== null) return (quoted[1] ?? quoted[2] ?? '').replaceAll('""', '"');
    return /^\s*([\w$\u0080-\uffff]+)(?!\s*\()/.exec(part)?.[1] ?? part.trim();
  });
}

function firstBound(list: string): string | null {
  const [first] = literals(list);
  return first ?? null;
}

/** Literals of a bound; MINVALUE, MAXVALUE and NULL are null. */
function literals(list: string): readonly (string | null)[] {
  return [...list.matchAll(/'((?:[^']|'')*)'|([^\s,']+)/g)].map((match) => {
    if (match[1] !== undefined) return match[1].replaceAll("''", "'");
    const word = match[2] ?? '';
    return /^(minvalue|maxvalue|null)$/i.test(word) ? null : word;
  });
}
