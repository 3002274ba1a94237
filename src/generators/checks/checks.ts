/** Chooses one alternative of every check of a table so that they agree, or says which check cannot be met. */
import type { ColumnDescription, ImpliedRule, TableDescription } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import { parseInstant } from '../types/calendar.ts';
import { type Alternative, alternativesOf } from './demands.ts';
import { columnsOf, holds, isEvaluated, withoutGenerated } from './evaluate.ts';
import { type Expression, parseExpression, readableExpression } from './expression.ts';
import { partitionTest } from './partitions.ts';
import {
  type ColumnRules,
  type Demand,
  mergeRules,
  NO_RULES,
  NOW,
  type Relation,
  type TableRules,
} from './rules.ts';
import { UnreadableExpression } from './tokens.ts';

type Check = TableDescription['checks'][number] & {
  readonly of?: ImpliedRule['of'] | 'generated column';
};

/** Steps of the search for alternatives that agree; real tables need a handful. */
const MAX_STEPS = 10_000;

/**
 * The rules of all columns. A column in `chosen` (its values come from the scenario) is taken to be right: checks that
 * only the user can solve are solved by naming values there. Throws UsageError for a check that cannot be met.
 */
export function solveChecks(table: TableDescription, chosen: ReadonlySet<string>): TableRules {
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  const choices: { check: Check; alternatives: readonly Alternative[] }[] = [];
  for (const check of rulesOf(table)) {
    const alternatives = readCheck(table, check, chosen);
    if (alternatives !== null) choices.push({ check, alternatives });
  }
  let steps = 0;
  let deepest = 0;
  const search = (index: number, rules: Accepted): Accepted | null => {
    const choice = choices[index];
    if (choice === undefined) return rules;
    deepest = Math.max(deepest, index);
    for (const alternative of choice.alternatives) {
      steps += 1;
      if (steps > MAX_STEPS) return null;
      const merged = accept(rules, alternative, { columns, chosen });
      const found = merged === null ? null : search(index + 1, merged);
      if (found !== null) return found;
    }
    return null;
  };
  const found = search(0, { columns: new Map(), relations: [], tests: [] });
  if (found !== null)
    return withPartitions(table, { ...found, columns: withTests(found.columns, table, chosen) });
  const failed = choices[deepest]?.check;
  if (failed === undefined) throw new Error(`${table.name}: the search for rules ended without a check`);
  throw unsolvable(table, failed, 'no value was found that meets it together with the other constraints');
}

/** What a check says of a generated column it says of what that is computed from. */
function parsedCheck(table: TableDescription, { expression }: Check): Expression {
  return withoutGenerated(parseExpression(expression), table);
}

/** Which values of several partition keys go together is a condition on them. */
function withPartitions(table: TableDescription, rules: TableRules): TableRules {
  const test = partitionTest(table);
  if (test === null) return rules;
  const [name, ...others] = columnsOf(test);
  if (name === undefined) return rules;
  if (others.length > 0) return { ...rules, tests: [...rules.tests, test] };
  const rule = rules.columns.get(name) ?? NO_RULES;
  return { ...rules, columns: new Map(rules.columns).set(name, { ...rule, tests: [...rule.tests, test] }) };
}

/** What a check asks of one column is held against its values as well, whatever rule they are made by. */
function withTests(
  rules: TableRules['columns'],
  table: TableDescription,
  chosen: ReadonlySet<string>,
): TableRules['columns'] {
  const merged = new Map(rules);
  for (const check of table.checks) {
    const read = readableExpression(check.expression);
    if (read === null) continue;
    const expression = withoutGenerated(read, table);
    if (!isEvaluated(expression)) continue;
    const [name, ...others] = columnsOf(expression);
    if (name === undefined || others.length > 0 || chosen.has(name)) continue;
    const rule = merged.get(name) ?? NO_RULES;
    const nullness = holds(expression, () => null) === false ? 'not null' : rule.nullness;
    merged.set(name, { ...rule, nullness, readFrom: [...rule.readFrom, expression] });
  }
  return merged;
}

/** Its checks, what its indexes imply, and that generated columns are not null where they must not be. */
export function rulesOf(table: TableDescription): readonly Check[] {
  const computed = table.columns.flatMap(({ name, nullable, generation }): Check[] =>
    nullable || generation === undefined
      ? []
      : [{ name, of: 'generated column', expression: `((${generation}) IS NOT NULL)` }],
  );
  return [...table.checks, ...(table.implied ?? []), ...computed.filter(isReadable)];
}

/** What a generated column that nothing is known of may be null by is left to the server. */
function isReadable({ expression }: Check): boolean {
  const read = readableExpression(expression);
  return read !== null && isEvaluated(read);
}

/** The error for a check that the generator cannot meet, with the setting that solves it. */
export function unsolvable(table: TableDescription, check: Check, reason: string): UsageError {
  const named = columnsIn(table, check.expression);
  const column = named[0] ?? table.columns[0]?.name ?? 'column';
  return new UsageError(
    `${table.name}: the ${check.of ?? 'check constraint'} "${check.name}" (${check.expression}) cannot be filled: ${reason}. ` +
      `Name values that pass it in the scenario: data.tables."${table.name}".columns."${column}".values: { "...": 1 }` +
      (named.length > 1 ? ` (and the same for ${named.slice(1).join(', ')} where needed)` : ''),
  );
}

function readCheck(
  table: TableDescription,
  check: Check,
  chosen: ReadonlySet<string>,
): readonly Alternative[] | null {
  try {
    const known = new Set(table.columns.map((column) => column.name));
    const alternatives = alternativesOf(parsedCheck(table, check));
    for (const demand of alternatives.flat()) {
      const unknown = namesIn(demand).find((name) => !known.has(name));
      if (unknown !== undefined) throw new UnreadableExpression(`"${unknown}" is no column of the table`);
    }
    return alternatives;
  } catch (error) {
    if (!(error instanceof UnreadableExpression)) throw error;
    if (columnsIn(table, check.expression).some((name) => chosen.has(name))) return null;
    const kept =
      check.of === 'exclusion constraint' ? 'no way is known to keep rows apart in it' : error.message;
    throw unsolvable(table, check, kept);
  }
}

function namesIn(demand: Demand): readonly string[] {
  if ('rule' in demand) return [demand.column];
  return 'test' in demand ? [...columnsOf(demand.test)] : [demand.relation.lower, demand.relation.higher];
}

/** Columns that the expression names, in the table's order. */
function columnsIn(table: TableDescription, expression: string): readonly string[] {
  const words = new Set(expression.match(/[\w$\u0080-\uffff]+/g) ?? []);
  return table.columns
    .map((column) => column.name)
    .filter((name) => words.has(name) || expression.includes(`"${name}"`));
}

interface Accepted {
  readonly columns: ReadonlyMap<string, ColumnRules>;
  readonly relations: readonly Relation[];
  readonly tests: readonly Expression[];
}

interface Surroundings {
  readonly columns: ReadonlyMap<string, ColumnDescription>;
  readonly chosen: ReadonlySet<string>;
}

function accept(
  rules: Accepted,
  alternative: Alternative,
  { columns, chosen }: Surroundings,
): Accepted | null {
  const merged = new Map(rules.columns);
  const relations = [...rules.relations];
  const tests = [...rules.tests];
  for (const demand of alternative) {
    if ('relation' in demand) {
      const { lower, higher } = demand.relation;
      if (!chosen.has(lower) || !chosen.has(higher)) relations.push(demand.relation);
      continue;
    }
    if ('test' in demand) {
      if (![...columnsOf(demand.test)].every((name) => chosen.has(name))) tests.push(demand.test);
      continue;
    }
    if (chosen.has(demand.column)) continue;
    const rule = mergeRules(merged.get(demand.column) ?? NO_RULES, demand.rule);
    if (rule === null || isEmptyRange(rule)) return null;
    if (rule.nullness === 'null' && columns.get(demand.column)?.nullable !== true) return null;
    merged.set(demand.column, rule);
  }
  const mustBeNull = (name: string) => merged.get(name)?.nullness === 'null';
  return {
    columns: merged,
    tests,
    relations: relations.filter(({ lower, higher }) => !mustBeNull(lower) && !mustBeNull(higher)),
  };
}

function isEmptyRange(rules: ColumnRules): boolean {
  return rules.lowers.some((lower) =>
    rules.uppers.some((upper) => {
      const [low, high] = [comparable(lower.text), comparable(upper.text)];
      if (low === null || high === null) return false;
      return low > high || (low === high && !(lower.inclusive && upper.inclusive));
    }),
  );
}

function comparable(text: string): number | null {
  if (text.startsWith(NOW)) return null;
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(number) ? parseInstant(text) : number;
}
