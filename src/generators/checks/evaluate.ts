/**
 * Says whether a row passes a check, in SQL's three values, so that values can be tried where no rule for making them is
 * known. Casts are not in the tree: a value is read as what it is compared with.
 */
import type { CellValue, ColumnType, TableDescription } from '../../engines/engine.ts';
import { scalarType } from '../types/scalar-types.ts';
import { constantsOf, type EvaluatedCall, FUNCTIONS } from './evaluated-calls.ts';
import { type Expression, readableExpression } from './expression.ts';
import { ofInstants } from './instants.ts';
import { compare, ordered } from './order.ts';
import { likeToRegex, translateRegex } from './regex.ts';
import { Doubt, numberOf, parsedJson, textOf, truth, type Value } from './sql-values.ts';
import { UnreadableExpression } from './tokens.ts';

/** Reads a column of the row. */
export type ReadColumn = (name: string) => Value;

/** The value of an expression; throws {@link UnreadableExpression} for what is never understood, {@link Doubt} for this row. */
export function evaluate(expression: Expression, read: ReadColumn): Value {
  switch (expression.kind) {
    case 'column':
      return read(expression.name);
    case 'literal':
      return literal(expression.text);
    case 'null':
      return null;
    case 'isNull':
      return evaluate(expression.of, read) === null;
    case 'not':
      return negate(truth(evaluate(expression.of, read)));
    case 'and':
    case 'or':
      return combine(expression.kind, expression.items, read);
    case 'case': {
      for (const { when, result } of expression.branches)
        if (truth(evaluate(when, read)) === true) return evaluate(result, read);
      return expression.otherwise === null ? null : evaluate(expression.otherwise, read);
    }
    case 'call':
      return call(expression.name, expression.args, read);
    case 'list':
      throw new UnreadableExpression('a list is not a value');
    case 'binary':
      return binary(expression, read);
  }
}

/** A cell as a value of its column's type; blanks behind a `character(n)` do not count. */
export function sqlValue(cell: CellValue, type: ColumnType): Value {
  if (cell === null || cell instanceof Uint8Array) return cell;
  if (type.kind === 'boolean') return cell === 'true' || cell === '1' || cell === 't';
  const scalar = scalarType(type);
  if (type.kind === 'enum' && type.base !== 'enum') return labelOf(cell, type.labels);
  if (scalar === null) return type.base === 'bpchar' ? cell.replace(/ +$/, '') : cell;
  const ticks = scalar.parse(cell, 'upper');
  return ticks === null ? cell : { number: ticks / scalar.perUnit, text: cell };
}

/** Postgres orders the labels of an enum as they were declared; MySQL (base `enum`) compares them as text. */
function labelOf(label: string, labels: readonly string[]): Value {
  const number = labels.indexOf(label);
  return number < 0 ? label : { number, text: label, labels };
}

/** Columns that an expression names. */
export function columnsOf(expression: Expression): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (each: Expression): void => {
    if (each.kind === 'column') found.add(each.name);
    for (const inside of partsOf(each)) walk(inside);
  };
  walk(expression);
  return found;
}

/** The texts that an expression names. */
export function literalsIn(expression: Expression): readonly string[] {
  if (expression.kind === 'literal') return [expression.text];
  return partsOf(expression).flatMap(literalsIn);
}

/** Whether every part of it is known here; a value may still be of a form that is not. */
export function isEvaluated(expression: Expression): boolean {
  if (expression.kind === 'call' && FUNCTIONS[expression.name] === undefined) return false;
  if (expression.kind === 'binary' && !EVALUATED.has(expression.operator)) return false;
  return partsOf(expression).every(isEvaluated);
}

/** The expression with what generated columns are computed from in their place, where that is understood. */
export function withoutGenerated(
  expression: Expression,
  { columns }: Pick<TableDescription, 'columns'>,
): Expression {
  const computed = new Map<string, Expression>();
  for (const { name, generation } of columns) {
    const parsed = generation === undefined ? null : readableExpression(generation);
    if (parsed !== null) computed.set(name, parsed);
  }
  if (computed.size === 0) return expression;
  const replace = (each: Expression): Expression => {
    switch (each.kind) {
      case 'column':
        return computed.get(each.name) ?? each;
      case 'and':
      case 'or':
      case 'list':
        return { ...each, items: each.items.map(replace) };
      case 'call':
        return { ...each, args: each.args.map(replace) };
      case 'binary':
        return { ...each, left: replace(each.left), right: replace(each.right) };
      case 'isNull':
      case 'not':
        return { ...each, of: replace(each.of) };
      default:
        return each;
    }
  };
  return replace(expression);
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'and':
    case 'or':
    case 'list':
      return expression.items;
    case 'call':
      return expression.args;
    case 'binary':
      return [expression.left, expression.right];
    case 'isNull':
    case 'not':
      return [expression.of];
    case 'case':
      return [
        ...expression.branches.flatMap(({ when, result }) => [when, result]),
        ...(expression.otherwise === null ? [] : [expression.otherwise]),
      ];
    default:
      return [];
  }
}

function literal(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}

function negate(value: boolean | null): boolean | null {
  return value === null ? null : !value;
}

function combine(kind: 'and' | 'or', items: readonly Expression[], read: ReadColumn): boolean | null {
  const decisive = kind === 'or';
  let unknown = false;
  let doubt: Doubt | null = null;
  for (const item of items) {
    try {
      const value = truth(evaluate(item, read));
      if (value === decisive) return decisive;
      unknown ||= value === null;
    } catch (error) {
      if (!(error instanceof Doubt)) throw error;
      doubt = error;
    }
  }
  if (doubt !== null) throw doubt;
  return unknown ? null : !decisive;
}

function call(name: string, args: readonly Expression[], read: ReadColumn): Value {
  const known: EvaluatedCall | undefined = FUNCTIONS[name];
  if (known === undefined) throw new UnreadableExpression(`"${name}(...)" is not understood`);
  return known(args, (expression) => evaluate(expression, read));
}

const CALCULATED: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': (left, right) => left ** right,
};

function binary({ operator, left, right }: Expression & { kind: 'binary' }, read: ReadColumn): Value {
  if (operator === 'in') return isAmong(left, right, read);
  const [one, other] = [evaluate(left, read), evaluate(right, read)];
  if (operator === 'is distinct from')
    return one === null || other === null ? one !== other : compare(one, other) !== 0;
  if (one === null || other === null) return null;
  const calculate = CALCULATED[operator];
  if (calculate !== undefined)
    return calculated(
      operator,
      ofInstants(operator, one, other) ?? calculate(numberOf(one), numberOf(other)),
    );
  if (operator === '->' || operator === '->>') return memberOf(one, textOf(other), operator);
  if (operator === '?') return memberOf(one, textOf(other), operator) !== null;
  if (operator === '||') return textOf(one) + textOf(other);
  if (operator.includes('~'))
    return patternOf(operator, textOf(other)).test(textOf(one)) !== operator.startsWith('!');
  if (operator === '=') return compare(one, other) === 0;
  if (operator === '<>') return compare(one, other) !== 0;
  const order = ordered(one, other);
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  if (operator === '>') return order > 0;
  if (operator === '>=') return order >= 0;
  throw new UnreadableExpression(`"${operator}" is not understood`);
}

const EVALUATED: ReadonlySet<string> = new Set([
  ...['+', '-', '*', '/', '%', '^', '||', 'in', 'is distinct from', '=', '<>', '<', '<=', '>', '>='],
  ...['->', '->>', '?', '~', '~*', '!~', '!~*', '~~', '~~*', '!~~', '!~~*'],
]);

/** Engines divide whole numbers in their own ways. */
function calculated(operator: string, number: number): Value {
  if (!Number.isFinite(number)) throw new Doubt('a division by zero, or a number too large');
  if (operator === '/' && !Number.isInteger(number)) throw new Doubt('a division of whole numbers or not');
  return { number, text: String(number) };
}

/** `doc ->> 'id'`; a path of MySQL's begins with `$.` */
function memberOf(document: Value, path: string, operator: string): Value {
  const parsed = parsedJson(textOf(document));
  const name = path.replace(/^\$\./, '');
  if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, name)) return null;
  const member: unknown = Reflect.get(parsed, name);
  return operator === '->>' && typeof member === 'string' ? member : JSON.stringify(member);
}

function isAmong(left: Expression, right: Expression, read: ReadColumn): boolean | null {
  const one = evaluate(left, read);
  if (one === null) return null;
  const items = right.kind === 'list' ? right.items : constantsOf(right);
  const others = items.map((item) => evaluate(item, read));
  if (others.some((other) => other !== null && compare(one, other) === 0)) return true;
  return others.includes(null) ? null : false;
}

function patternOf(operator: string, source: string): RegExp {
  const bare = operator.replace(/^!/, '');
  const flags = bare.endsWith('*') ? 'i' : '';
  if (bare === '~' || bare === '~*') return new RegExp(translateRegex(source), flags);
  return new RegExp(likeToRegex(source), `${flags}s`);
}

/** True and null pass; `doubt` when this computer's answer may not be the server's. */
export function holds(test: Expression, read: ReadColumn): boolean | 'doubt' {
  try {
    return truth(evaluate(test, read)) !== false;
  } catch (error) {
    if (error instanceof Doubt || error instanceof UnreadableExpression) return 'doubt';
    throw error;
  }
}
