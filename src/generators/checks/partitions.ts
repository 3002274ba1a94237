/** Bounds of leaf partitions as Postgres prints them, turned into what values of the partition key may be. */
import type { PartitionStep, TableDescription } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import { isEvaluated } from './evaluate.ts';
import { type Expression, readableExpression } from './expression.ts';

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
  /** A default partition takes every other value. */
  readonly open: boolean;
}

/** Rules of the columns that partitions go by. Throws UsageError when no row, or not every row, finds a partition. */
export function partitionRules(table: TableDescription): readonly PartitionRule[] {
  if (table.partitioning !== 'parent') return [];
  const bounds = table.partitionBounds;
  if (bounds.length === 0 || table.partitionLeaves?.length === 0)
    throw new UsageError(
      `${table.name}: it is partitioned but has no partition, so it cannot hold a row. ` +
        'Create a partition in the schema, or leave it empty: data.tables."' +
        `${table.name}".rows: 0`,
    );
  if (table.partitionLeaves !== undefined) return rulesOfLeaves(table, table.partitionLeaves);
  const rule = ruleOf(table, table.partitionKey ?? '', bounds);
  if (rule !== null && rule.ranges.length + (rule.values?.length ?? 0) > 0) return [rule];
  if (rule !== null && !bounds.some(isDefault))
    throw new UsageError(`${table.name}: no value fits its partitions (${bounds.join('; ')}).`);
  return [];
}

/** Of each column the bounds nearest to the rows; which of them go together is what {@link partitionTest} says. */
function rulesOfLeaves(
  table: TableDescription,
  leaves: readonly (readonly PartitionStep[])[],
): readonly PartitionRule[] {
  const rules = new Map<string, PartitionRule>();
  for (const steps of leaves) {
    const nearest = new Map<string, PartitionRule>();
    for (const { key, bound, siblings } of steps) {
      const rule = ruleOf(table, key, [bound, ...(isDefault(bound) || isHash(bound) ? siblings : [])]);
      if (rule === null || isDefault(bound)) continue;
      nearest.set(rule.column, rule);
    }
    for (const [column, rule] of nearest) {
      const known = rules.get(column);
      const values = new Set([...(known?.values ?? []), ...(rule.values ?? [])]);
      rules.set(column, {
        column,
        ranges: [...(known?.ranges ?? []), ...rule.ranges],
        values: values.size > 0 ? [...values] : null,
        strict: rule.strict || known?.strict === true,
        open: false,
      });
    }
  }
  return [...rules.values()].filter(({ ranges, values }) => ranges.length + (values?.length ?? 0) > 0);
}

/**
 * The condition that a row finds a partition, where the rules of single columns do not say it in full: partitions of
 * partitions, and keys that are calculated. Null where they do.
 */
export function partitionTest(table: TableDescription): Expression | null {
  if (table.partitioning !== 'parent') return null;
  const { partitionKey: key, partitionBounds: bounds } = table;
  const calculated = key !== null && isCalculated(table, key) && !bounds.some(isDefault);
  if (table.partitionLeaves === undefined && !calculated) return null;
  const leaves = table.partitionLeaves ?? bounds.map((bound) => [{ key: key ?? '', bound, siblings: [] }]);
  const found = leaves.map((steps) => steps.map((step) => conditionOf(step)).join(' AND '));
  const test = readableExpression(found.map((each) => `(${each})`).join(' OR '));
  return test !== null && isEvaluated(test) ? test : null;
}

function conditionOf({ key, bound, siblings }: PartitionStep): string {
  if (isHash(bound)) return 'true';
  if (isDefault(bound))
    return siblings.length === 0
      ? 'true'
      : `NOT (${siblings.map((each) => `coalesce(${conditionOf({ key, bound: each, siblings: [] })}, false)`).join(' OR ')})`;
  const inside = /\((.*)\)\s*$/s.exec(key)?.[1] ?? key;
  const column = keyColumns(key).length > 1 && !/[()]/.test(inside) ? inside.split(',')[0] : inside;
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const list = listOf(bound);
  if (list !== null) {
    const values = list.filter((value) => value !== null).map(text);
    const isNull = list.includes(null) ? [`(${column} IS NULL)`] : [];
    return `(${[...(values.length > 0 ? [`((${column} IS NOT NULL) AND (${column} IN (${values.join(', ')})))`] : []), ...isNull].join(' OR ')})`;
  }
  const range = rangeOf(bound);
  const strict = keyColumns(key).length > 1 && range?.from !== null ? '>' : '>=';
  const ends = [
    ...(range?.from == null ? [] : [`${column} ${strict} ${text(range.from)}`]),
    ...(range?.to == null ? [] : [`${column} < ${text(range.to)}`]),
  ];
  return `(${[`(${column} IS NOT NULL)`, ...ends].join(' AND ')})`;
}

/** An expression over columns instead of a column. */
function isCalculated(table: TableDescription, key: string): boolean {
  const [first] = keyColumns(key);
  return !/\bhash\b/i.test(key) && !table.columns.some(({ name }) => name === first);
}

/** Values of a partition's list. */
export function listOf(bound: string): readonly (string | null)[] | null {
  const list = /\bin\s*\((.*)\)\s*$/is.exec(bound);
  return list === null ? null : literals(list[1] ?? '');
}

/** Of its first column. */
export function rangeOf(bound: string): PartitionRange | null {
  const range = /\bfrom\s*\((.*)\)\s*to\s*\((.*)\)\s*$/is.exec(bound);
  return range === null ? null : { from: firstBound(range[1] ?? ''), to: firstBound(range[2] ?? '') };
}

function isHash(bound: string): boolean {
  return /\bmodulus\b/i.test(bound);
}

export function isDefault(bound: string): boolean {
  return /^\s*default\s*$/i.test(bound);
}

function ruleOf(table: TableDescription, key: string, bounds: readonly string[]): PartitionRule | null {
  if (bounds.every((bound) => isDefault(bound) || isHash(bound))) {
    requireAllRemainders(table, bounds);
    return null;
  }
  const keys = keyColumns(key);
  const column = table.columns.find(({ name }) => name === keys[0])?.name;
  if (column === undefined) {
    if (bounds.some(isDefault) || partitionTest(table) !== null) return null;
    throw new UsageError(
      `${table.name}: its partition key (${key}) is an expression, so the rows of each ` +
        'partition cannot be told. Add a default partition to the schema.',
    );
  }
  const ranges: PartitionRange[] = [];
  const values: string[] = [];
  for (const bound of bounds) {
    const [list, range] = [listOf(bound), rangeOf(bound)];
    if (range !== null) ranges.push(range);
    else if (list !== null) values.push(...list.filter((value) => value !== null));
  }
  return {
    ...{ column, ranges, values: values.length > 0 ? values : null },
    ...{ strict: keys.length > 1, open: bounds.some(isDefault) },
  };
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
  return splitOutside(inside).map((part) => {
    const quoted = /^\s*(?:"((?:[^"]|"")+)"|`([^`]+)`)/.exec(part);
    if (quoted !== null) return (quoted[1] ?? quoted[2] ?? '').replaceAll('""', '"');
    return /^\s*([\w$\u0080-\uffff]+)(?!\s*\()/.exec(part)?.[1] ?? part.trim();
  });
}

/** At the commas that stand in no brackets: an expression's own part nothing. */
function splitOutside(list: string): readonly string[] {
  const parts = [''];
  let depth = 0;
  for (const character of list) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${character}`);
  }
  return parts;
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
