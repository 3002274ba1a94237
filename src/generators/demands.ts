/**
 * Turns the tree of a check into alternatives: each is a list of demands, and a row that meets all demands of one
 * alternative passes the check.
 */

import { callAgainstConstant } from './calls.ts';
import type { Expression } from './expression.ts';
import { columnOf, constantOf, TRANSPARENT, TRIMS } from './operands.ts';
import { likeToRegex, translateRegex } from './regex.ts';
import type { ColumnRules, Demand } from './rules.ts';
import { UnreadableExpression } from './tokens.ts';

export type Alternative = readonly Demand[];

/** An OR of ANDs grows with the product of its parts; no check that a person wrote comes near this. */
const MAX_ALTERNATIVES = 64;

/** Throws {@link UnreadableExpression} when a part of the check has no known solution. */
export function alternativesOf(expression: Expression): readonly Alternative[] {
  const found = solve(expression, false);
  const nulls = (alternative: Alternative) =>
    alternative.filter((demand) => 'rule' in demand && demand.rule.nullness === 'null').length;
  return found.toSorted((one, other) => nulls(one) - nulls(other));
}

function solve(expression: Expression, negated: boolean): readonly Alternative[] {
  switch (expression.kind) {
    case 'not':
      return solve(expression.of, !negated);
    case 'and':
    case 'or':
      return (expression.kind === 'and') === negated
        ? anyOf(expression.items, negated)
        : allOf(expression.items, negated);
    case 'isNull':
      return [[ruleOf(columnOf(expression.of), { nullness: negated ? 'not null' : 'null' })]];
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
  if (operator === 'in' || operator === 'not in') return [solveMembership(left, operator, right)];
  if (constantOf(left) !== null && constantOf(right) === null)
    return solveComparison(right, TURNED[operator] ?? operator, { right: left });
  const constant = constantOf(right);
  if (constant !== null && left.kind === 'call' && left.name === 'num_nonnulls' && operator === '=')
    return countNonNulls(left.args.map(columnOf), Number(constant));
  if (constant !== null) return [[againstConstant(left, operator, constant)]];
  const other = columnOf(right);
  const folded = letterCaseOf(left, operator, right) ?? letterCaseOf(right, operator, left);
  if (folded !== null) return [[folded]];
  return [[relationOf(columnOf(left), operator, other)]];
}

function solveNullness(
  left: { readonly of: Expression },
  operator: string,
  right: { readonly of: Expression },
): readonly Alternative[] {
  const [one, other] = [columnOf(left.of), columnOf(right.of)];
  const pair = (first: 'null' | 'not null', second: 'null' | 'not null'): Alternative => [
    ruleOf(one, { nullness: first }),
    ruleOf(other, { nullness: second }),
  ];
  return operator === '='
    ? [pair('not null', 'not null'), pair('null', 'null')]
    : [pair('not null', 'null'), pair('null', 'not null')];
}

/** `num_nonnulls(a, b, c) = 1`: one alternative per column that could come first. */
function countNonNulls(columns: readonly string[], wanted: number): readonly Alternative[] {
  return columns.map((_, first) =>
    columns.map((column, index) =>
      ruleOf(column, {
        nullness: (index - first + columns.length) % columns.length < wanted ? 'not null' : 'null',
      }),
    ),
  );
}

function solveMembership(left: Expression, operator: string, right: Expression): Alternative {
  if (left.kind === 'literal' && right.kind === 'column')
    throw new UnreadableExpression('a membership in an array column is not understood');
  const items = right.kind === 'list' ? right.items : arrayLiteral(right);
  const values = items.map((item) => {
    const value = constantOf(item);
    if (value === null)
      throw new UnreadableExpression('a list that is not made of literals is not understood');
    return value;
  });
  return [ruleOf(columnOf(left), operator === 'in' ? { allowed: values } : { excluded: values })];
}

/** `'{a,b}'::text[]`, as Postgres prints a constant array. */
function arrayLiteral(expression: Expression): readonly Expression[] {
  const text = expression.kind === 'literal' ? expression.text : '';
  if (!/^\{[^"{}\\]*\}$/.test(text))
    throw new UnreadableExpression('a list that is no literal is not understood');
  return text
    .slice(1, -1)
    .split(',')
    .map((item) => ({ kind: 'literal', text: item.trim() }));
}

function againstConstant(left: Expression, operator: string, constant: string): Demand {
  if (left.kind === 'call' && !TRANSPARENT.has(left.name))
    return callAgainstConstant(left.name, left.args, { operator, constant });
  const column = columnOf(left);
  const limit = { text: constant, inclusive: operator.includes('=') };
  if (operator === '<' || operator === '<=') return ruleOf(column, { uppers: [limit] });
  if (operator === '>' || operator === '>=') return ruleOf(column, { lowers: [limit] });
  if (operator === '=') return ruleOf(column, { allowed: [constant] });
  if (operator === '<>') return ruleOf(column, { excluded: [constant] });
  if (operator === '~' || operator === '~*')
    return ruleOf(column, {
      patterns: [{ source: translateRegex(constant), ignoreCase: operator === '~*' }],
    });
  if (operator === '~~' || operator === '~~*')
    return ruleOf(column, { patterns: [{ source: likeToRegex(constant), ignoreCase: operator === '~~*' }] });
  if (operator === '!~' || operator === '!~*')
    return ruleOf(column, {
      patterns: [
        { source: `^(?!.*${unanchored(translateRegex(constant))})`, ignoreCase: operator === '!~*' },
      ],
    });
  if (operator === '!~~' || operator === '!~~*')
    return ruleOf(column, {
      patterns: [{ source: `^(?!${likeToRegex(constant).slice(1)})`, ignoreCase: operator === '!~~*' }],
    });
  throw new UnreadableExpression(`"${operator}" is not understood`);
}

function unanchored(source: string): string {
  if (source.startsWith('^')) throw new UnreadableExpression('a negated anchored pattern is not understood');
  return source;
}

function solveCall(name: string, args: readonly Expression[], negated: boolean): readonly Alternative[] {
  // Made-up ranges are never empty.
  if (name === 'isempty' && negated) return [[]];
  if ((name === 'regexp_like' || name === 'regexp_matches') && args[0] !== undefined && args[1] !== undefined)
    return solveComparison(args[0], negated ? '!~' : '~', { right: args[1] });
  throw new UnreadableExpression(`"${name}(...)" is not understood`);
}

function letterCaseOf(call: Expression, operator: string, other: Expression): Demand | null {
  if (call.kind !== 'call' || operator !== '=') return null;
  const [arg] = call.args;
  if (arg === undefined || columnOf(arg) !== columnOf(other)) return null;
  if (TRIMS.has(call.name)) return ruleOf(columnOf(other), {});
  return call.name === 'lower' || call.name === 'upper'
    ? ruleOf(columnOf(other), { letterCase: call.name })
    : null;
}

function relationOf(left: string, operator: string, right: string): Demand {
  if (operator === '<' || operator === '<=') return { relation: { lower: left, operator, higher: right } };
  if (operator === '>') return { relation: { lower: right, operator: '<', higher: left } };
  if (operator === '>=') return { relation: { lower: right, operator: '<=', higher: left } };
  if (operator === '=' || operator === '<>') return { relation: { lower: left, operator, higher: right } };
  throw new UnreadableExpression(`"${operator}" between two columns is not understood`);
}

function ruleOf(column: string, rule: Partial<ColumnRules>): Demand {
  return { column, rule };
}
