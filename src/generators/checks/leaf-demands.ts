/** Demands of single conditions of a check, which hold no other conditions. */
import { callAgainstConstant } from './calls.ts';
import type { Expression } from './expression.ts';
import { columnOf, constantOf, TRANSPARENT, TRIMS } from './operands.ts';
import { likeToRegex, translateRegex } from './regex.ts';
import type { ColumnRules, Demand } from './rules.ts';
import { UnreadableExpression } from './tokens.ts';

/** Demands that hold together. */
export type Alternative = readonly Demand[];

export function solveNullness(
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

/**
 * `num_nonnulls(a, b, c) = 1`: for each count that is right, one alternative per column that could come first, those with
 * the fewest nulls first.
 */
export function countNonNulls(
  { name, args }: Expression & { kind: 'call' },
  operator: string,
  limit: number,
): readonly Alternative[] {
  const columns = args.map(columnOf);
  const counts = Array.from({ length: columns.length + 1 }, (_, given) => columns.length - given);
  const right = counts.filter((given) => {
    const counted = name === 'num_nulls' ? columns.length - given : given;
    return COUNTED[operator]?.(counted, limit) ?? false;
  });
  return right.flatMap((given) =>
    columns.map((_, first) =>
      columns.map((column, index) =>
        ruleOf(column, {
          nullness: (index - first + columns.length) % columns.length < given ? 'not null' : 'null',
        }),
      ),
    ),
  );
}

const COUNTED: Readonly<Record<string, (count: number, limit: number) => boolean>> = {
  '=': (count, limit) => count === limit,
  '<>': (count, limit) => count !== limit,
  '<': (count, limit) => count < limit,
  '<=': (count, limit) => count <= limit,
  '>': (count, limit) => count > limit,
  '>=': (count, limit) => count >= limit,
};

export function solveMembership(left: Expression, operator: string, right: Expression): Alternative {
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

export function againstConstant(left: Expression, operator: string, constant: string): Demand {
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

export function letterCaseOf(call: Expression, operator: string, other: Expression): Demand | null {
  if (call.kind !== 'call' || operator !== '=') return null;
  const [arg] = call.args;
  if (arg === undefined || columnOf(arg) !== columnOf(other)) return null;
  if (TRIMS.has(call.name)) return ruleOf(columnOf(other), {});
  return call.name === 'lower' || call.name === 'upper'
    ? ruleOf(columnOf(other), { letterCase: call.name })
    : null;
}

export function relationOf(left: string, operator: string, right: string): Demand {
  if (left === right)
    throw new UnreadableExpression('a comparison of a column with itself is not understood');
  if (operator === '<' || operator === '<=') return { relation: { lower: left, operator, higher: right } };
  if (operator === '>') return { relation: { lower: right, operator: '<', higher: left } };
  if (operator === '>=') return { relation: { lower: right, operator: '<=', higher: left } };
  if (operator === '=' || operator === '<>') return { relation: { lower: left, operator, higher: right } };
  throw new UnreadableExpression(`"${operator}" between two columns is not understood`);
}

export function ruleOf(column: string, rule: Partial<ColumnRules>): Demand {
  return { column, rule };
}
