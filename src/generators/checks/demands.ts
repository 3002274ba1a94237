/**
 * Turns the tree of a check into alternatives: each is a list of demands, and a row that meets all demands of one
 * alternative passes the check.
 */

import { LENGTHS, startsWith } from './calls.ts';
import { columnsOf, holds, isEvaluated } from './evaluate.ts';
import type { Expression } from './expression.ts';
import {
  type Alternative,
  againstConstant,
  countNonNulls,
  letterCaseOf,
  relationOf,
  ruleOf,
  solveMembership,
  solveNullness,
} from './leaf-demands.ts';
import { columnOf, constantOf, TRANSPARENT } from './operands.ts';
import type { ColumnRules } from './rules.ts';
import { UnreadableExpression } from './tokens.ts';

export type { Alternative } from './leaf-demands.ts';

/** An OR of ANDs grows with the product of its parts; no check that a person wrote comes near this. */
const MAX_ALTERNATIVES = 64;

/** Throws {@link UnreadableExpression} when a part of the check has no known solution. */
export function alternativesOf(expression: Expression): readonly Alternative[] {
  const found = solve(expression, false);
  const nulls = (alternative: Alternative) =>
    alternative.filter((demand) => 'rule' in demand && demand.rule.nullness === 'null').length;
  return found.toSorted((one, other) => nulls(one) - nulls(other));
}

/** What has no rule of its own is left to trying values, or rows where it is about several columns. */
function solve(expression: Expression, negated: boolean): readonly Alternative[] {
  try {
    return solveByRule(expression, negated);
  } catch (error) {
    if (!(error instanceof UnreadableExpression)) throw error;
    const test: Expression = negated ? { kind: 'not', of: expression } : expression;
    const [column, ...others] = columnsOf(test);
    if (column === undefined || !isEvaluated(test)) throw error;
    if (others.length > 0) return [[{ test }]];
    // `coalesce(kind = 'a', false)` is false of a null.
    const nullness = holds(test, () => null) === false ? { nullness: 'not null' as const } : {};
    return [[ruleOf(column, { tests: [test], ...nullness })]];
  }
}

function solveByRule(expression: Expression, negated: boolean): readonly Alternative[] {
  switch (expression.kind) {
    case 'not':
      return solve(expression.of, !negated);
    case 'and':
    case 'or':
      return (expression.kind === 'and') === negated
        ? anyOf(expression.items, negated)
        : allOf(expression.items, negated);
    case 'isNull':
      return solveNull(expression.of, negated);
    case 'case':
      return solve(asConditions(expression), negated);
    case 'column':
      return [[ruleOf(expression.name, { allowed: [negated ? 'false' : 'true'] })]];
    case 'binary':
      return solveComparison(expression.left, negated ? opposite(expression.operator) : expression.operator, {
        right: expression.right,
      });
    case 'call':
      return solveCall(expression.name, expression.args, negated);
    case 'literal':
      if ((expression.text === 'true') !== negated) return [[]];
      throw new UnreadableExpression('it is never true');
    case 'null':
      return [[]];
    default:
      throw new UnreadableExpression('a list is not a condition');
  }
}

function allOf(items: readonly Expression[], negated: boolean): readonly Alternative[] {
  let alternatives: readonly Alternative[] = [[]];
  for (const item of items) {
    const found = solve(item, negated);
    alternatives = alternatives.flatMap((one) => found.map((other) => [...one, ...other]));
    if (alternatives.length > MAX_ALTERNATIVES)
      throw new UnreadableExpression('it has too many alternatives');
  }
  return alternatives;
}

function solveNull(of: Expression, negated: boolean): readonly Alternative[] {
  if (of.kind === 'call' && of.name === 'coalesce')
    return solve({ kind: 'and', items: of.args.map((arg) => ({ kind: 'isNull', of: arg })) }, negated);
  // A comparison is null where one of its columns is.
  const columns = of.kind === 'column' ? [of.name] : negated ? [...columnsOf(of)] : [columnOf(of)];
  if (columns.length === 0 || (of.kind !== 'column' && !isStrict(of))) return [[ruleOf(columnOf(of), {})]];
  return [columns.map((column) => ruleOf(column, { nullness: negated ? 'not null' : 'null' }))];
}

/** Null exactly when one of its columns is. */
function isStrict(expression: Expression): boolean {
  if (expression.kind === 'column' || expression.kind === 'literal') return true;
  if (expression.kind === 'binary') {
    const { operator, left, right } = expression;
    return (
      ['<', '<=', '=', '>=', '>', '<>', '+', '-', '*'].includes(operator) && isStrict(left) && isStrict(right)
    );
  }
  return expression.kind === 'call' &&
    (expression.name === '.' || TRANSPARENT.has(expression.name) || LENGTHS.has(expression.name))
    ? expression.args.every(isStrict)
    : false;
}

/** `case when a then b else c end` as `(a and b) or (not a and c)`; a condition that is null counts as not met. */
function asConditions({ branches, otherwise }: Expression & { kind: 'case' }): Expression {
  const items: Expression[] = [];
  const unmet: Expression[] = [];
  for (const { when, result } of branches) {
    items.push({ kind: 'and', items: [...unmet, when, result] });
    unmet.push({ kind: 'not', of: when });
  }
  items.push(
    otherwise === null ? { kind: 'and', items: unmet } : { kind: 'and', items: [...unmet, otherwise] },
  );
  return { kind: 'or', items };
}

/** `a = 1 or a = 2` is one alternative with two values; other alternatives stay apart. */
function anyOf(items: readonly Expression[], negated: boolean): readonly Alternative[] {
  const readable: Alternative[] = [];
  let failure: unknown = null;
  for (const item of items) {
    try {
      readable.push(...solve(item, negated));
    } catch (error) {
      if (!(error instanceof UnreadableExpression)) throw error;
      failure = error;
    }
  }
  if (readable.length === 0) throw failure;
  return joinValues(readable);
}

function joinValues(alternatives: readonly Alternative[]): readonly Alternative[] {
  const values = new Map<string, string[]>();
  const others: Alternative[] = [];
  for (const alternative of alternatives) {
    const [only] = alternative;
    if (alternative.length === 1 && only !== undefined && 'rule' in only && isValueList(only.rule))
      values.set(only.column, [...(values.get(only.column) ?? []), ...(only.rule.allowed ?? [])]);
    else others.push(alternative);
  }
  return [...[...values].map(([column, allowed]) => [ruleOf(column, { allowed })]), ...others];
}

function isValueList(rule: Partial<ColumnRules>): boolean {
  return rule.allowed !== undefined && Object.keys(rule).length === 1;
}

const OPPOSITES: Readonly<Record<string, string>> = {
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '=': '<>',
  '<>': '=',
  in: 'not in',
  'is distinct from': 'is not distinct from',
  '~': '!~',
  '~*': '!~*',
  '~~': '!~~',
  '~~*': '!~~*',
  '!~': '~',
  '!~*': '~*',
  '!~~': '~~',
  '!~~*': '~~*',
};

const TURNED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function opposite(operator: string): string {
  const found = OPPOSITES[operator];
  if (found === undefined) throw new UnreadableExpression(`"not ... ${operator}" is not understood`);
  return found;
}

function solveComparison(
  left: Expression,
  operator: string,
  { right }: { right: Expression },
): readonly Alternative[] {
  if (left.kind === 'isNull' && right.kind === 'isNull') return solveNullness(left, operator, right);
  if (left.kind === 'isNull' && right.kind === 'literal')
    return solve(left, (operator === '=') !== (right.text === 'true'));
  if (right.kind === 'literal' && (right.text === 'true' || right.text === 'false') && isCondition(left))
    return solve(left, (operator === '=') !== (right.text === 'true'));
  if (operator.endsWith('distinct from')) return solveDistinct(left, operator, right);
  if (operator === 'in' || operator === 'not in') return [solveMembership(left, operator, right)];
  if (constantOf(left) !== null && constantOf(right) === null)
    return solveComparison(right, TURNED[operator] ?? operator, { right: left });
  const constant = constantOf(right);
  if (constant !== null && left.kind === 'call' && /^num_(non)?nulls$/.test(left.name))
    return countNonNulls(left, operator, Number(constant));
  if (constant !== null) return [[againstConstant(left, operator, constant)]];
  const other = columnOf(right);
  const folded = letterCaseOf(left, operator, right) ?? letterCaseOf(right, operator, left);
  if (folded !== null) return [[folded]];
  return [[relationOf(columnOf(left), operator, other)]];
}

function isCondition({ kind }: Expression): boolean {
  return ['binary', 'and', 'or', 'not', 'isNull'].includes(kind);
}

function solveDistinct(left: Expression, operator: string, right: Expression): readonly Alternative[] {
  const distinct = operator === 'is distinct from';
  if (right.kind === 'null') return solve({ kind: 'isNull', of: left }, distinct);
  const compared = solve({ kind: 'binary', operator: distinct ? '<>' : '=', left, right }, false);
  return compared.map((alternative) => [
    ...alternative,
    ...[...columnsOf(left), ...columnsOf(right)].map((column) => ruleOf(column, { nullness: 'not null' })),
  ]);
}

function solveCall(name: string, args: readonly Expression[], negated: boolean): readonly Alternative[] {
  // Made-up ranges are never empty.
  if (name === 'isempty' && negated) return [[]];
  if ((name === 'regexp_like' || name === 'regexp_matches') && args[0] !== undefined && args[1] !== undefined)
    return solveComparison(args[0], negated ? '!~' : '~', { right: args[1] });
  if (name === 'disjoint_span' && !negated) return [disjointSpan(args)];
  const [text, start] = args;
  if (name === 'starts_with' && !negated && text !== undefined && start?.kind === 'literal')
    return [[ruleOf(columnOf(text), { patterns: [startsWith(start.text)] })]];
  throw new UnreadableExpression(`"${name}(...)" is not understood`);
}

/** As an exclusion constraint says it: the columns, how far beginnings lie apart, and how far ends lie behind them. */
function disjointSpan([from, to, ...units]: readonly Expression[]): Alternative {
  const [spacing, within] = units.map((unit) => Number(constantOf(unit)));
  if (from === undefined || to === undefined || spacing === undefined || within === undefined)
    throw new Error('disjoint_span has four arguments');
  const [lower, higher] = [columnOf(from), columnOf(to)];
  return [
    ruleOf(lower, { spacing, nullness: 'not null' }),
    ruleOf(higher, { nullness: 'not null' }),
    { relation: { lower, operator: '<', higher, within } },
  ];
}
