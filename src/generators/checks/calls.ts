/** Function calls in checks that are compared with a constant: lengths, years, searches. */
import type { Expression } from './expression.ts';
import { columnOf } from './operands.ts';
import { escapeRegex } from './regex.ts';
import type { ColumnRules, Demand, TextPattern } from './rules.ts';
import { UnreadableExpression } from './tokens.ts';

export const LENGTHS: ReadonlySet<string> = new Set([
  'length',
  'char_length',
  'character_length',
  'octet_length',
  'cardinality',
  'array_length',
]);
/** The demand of a function call on a column compared with a constant. */
export function callAgainstConstant(
  name: string,
  args: readonly Expression[],
  { operator, constant }: { operator: string; constant: string },
): Demand {
  const [first, second] = args;
  if (first === undefined) throw new UnreadableExpression(`"${name}()" is not understood`);
  if (LENGTHS.has(name)) return demand(columnOf(first), lengthRule(operator, Number(constant)));
  if ((name === 'extract' || name === 'date_part') && second !== undefined)
    return yearRule(first, columnOf(second), { operator, year: Number(constant) });
  if (name === 'jsonb_typeof' || name === 'json_typeof') {
    if (operator === '=' && constant === 'object') return demand(columnOf(first), {});
  }
  if (name === 'left' && operator === '=' && second?.kind === 'literal')
    if (Number(second.text) === constant.length)
      return demand(columnOf(first), { patterns: [startsWith(constant)] });
  const searched = searchOf(name, args);
  if (searched !== null && operator === '>' && constant === '0')
    return demand(searched.column, {
      patterns: [{ source: escapeRegex(searched.text), ignoreCase: false }],
    });
  throw new UnreadableExpression(`"${name}(...) ${operator} ${constant}" is not understood`);
}

export function startsWith(text: string): TextPattern {
  return { source: `^${escapeRegex(text)}.*`, ignoreCase: false };
}

/** `position('@' in email)` and `strpos(email, '@')`. */
function searchOf(name: string, args: readonly Expression[]): { column: string; text: string } | null {
  const [first, second] = args;
  if (name === 'strpos' && first !== undefined && second?.kind === 'literal')
    return { column: columnOf(first), text: second.text };
  if (name === 'position' && first?.kind === 'binary' && first.operator === 'in')
    if (first.left.kind === 'literal' && first.right.kind === 'list' && first.right.items[0] !== undefined)
      return { column: columnOf(first.right.items[0]), text: first.left.text };
  return null;
}

function lengthRule(operator: string, length: number): Partial<ColumnRules> {
  if (operator === '<') return { maxLength: length - 1 };
  if (operator === '<=') return { maxLength: length };
  if (operator === '>') return { minLength: length + 1 };
  if (operator === '>=') return { minLength: length };
  if (operator === '=') return { minLength: length, maxLength: length };
  if (operator === '<>' && length === 0) return { minLength: 1 };
  throw new UnreadableExpression(`a length "${operator} ${length}" is not understood`);
}

function yearRule(
  field: Expression,
  column: string,
  { operator, year }: { operator: string; year: number },
): Demand {
  const name = field.kind === 'column' ? field.name : field.kind === 'literal' ? field.text : '';
  if (name.toLowerCase() !== 'year') throw new UnreadableExpression(`extract("${name}") is not understood`);
  const first = (at: number) => ({ text: `${at}-01-01`, inclusive: true });
  const before = (at: number) => ({ text: `${at}-01-01`, inclusive: false });
  if (operator === '>=') return demand(column, { lowers: [first(year)] });
  if (operator === '>') return demand(column, { lowers: [first(year + 1)] });
  if (operator === '<=') return demand(column, { uppers: [before(year + 1)] });
  if (operator === '<') return demand(column, { uppers: [before(year)] });
  if (operator === '=') return demand(column, { lowers: [first(year)], uppers: [before(year + 1)] });
  throw new UnreadableExpression(`a year "${operator} ${year}" is not understood`);
}

function demand(column: string, rule: Partial<ColumnRules>): Demand {
  return { column, rule };
}
