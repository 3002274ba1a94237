/** Operands of a comparison in a check: a column, or a constant. */
import type { Expression } from './expression.ts';
import { similarToRegex } from './regex.ts';
import { NOW } from './rules.ts';
import { UnreadableExpression } from './tokens.ts';

/** Made-up text has no blanks at its ends, so that trimming changes nothing. */
export const TRIMS = new Set(['trim', 'btrim', 'ltrim', 'rtrim']);

/** Functions that change nothing about the values made for their column. */
export const TRANSPARENT = new Set([...TRIMS, 'lower', 'upper']);

/** The column itself, or inside a trim or a change of case, which made-up text survives. */
export function columnOf(expression: Expression): string {
  if (expression.kind === 'column') return expression.name;
  if (expression.kind === 'call' && TRIMS.has(expression.name)) {
    const inside = expression.args.at(-1);
    if (inside !== undefined) return columnOf(inside);
  }
  if (expression.kind === 'call' && (expression.name === 'lower' || expression.name === 'upper'))
    if (expression.args[0]?.kind === 'column') return expression.args[0].name;
  throw new UnreadableExpression('a calculation is not understood');
}

const CLOCKS = new Set([
  'now',
  'current_timestamp',
  'current_date',
  'localtimestamp',
  'clock_timestamp',
  'curdate',
]);

/**
 * The text of a literal, or the server's clock with an offset in seconds (`now()-86400`); null for anything that
 * depends on the row.
 */
export function constantOf(expression: Expression): string | null {
  if (expression.kind === 'literal') return expression.text;
  if (expression.kind === 'call' && CLOCKS.has(expression.name)) return NOW;
  if (expression.kind === 'call' && expression.name.startsWith('similar_'))
    return expression.args[0]?.kind === 'literal' ? similarToRegex(expression.args[0].text) : null;
  if (expression.kind !== 'binary') return null;
  const [left, right] = [constantOf(expression.left), constantOf(expression.right)];
  if (left === null || right === null) return null;
  if (left === NOW) {
    const seconds = intervalSeconds(right);
    if (seconds === null) return null;
    return expression.operator === '-' ? `${NOW}-${seconds}` : `${NOW}+${seconds}`;
  }
  const [one, other] = [Number(left), Number(right)];
  if (Number.isNaN(one) || Number.isNaN(other)) return null;
  if (expression.operator === '+') return String(one + other);
  if (expression.operator === '-') return String(one - other);
  return expression.operator === '*' ? String(one * other) : null;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  year: 31_622_400,
  mon: 2_678_400,
  month: 2_678_400,
  week: 604_800,
  day: 86_400,
  hour: 3600,
  min: 60,
  minute: 60,
  sec: 1,
  second: 1,
};

/** Longest possible length of `18 years`, `1 mon 2 days`, `01:30:00`, or of a bare number of days. */
export function intervalSeconds(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text) * 86_400;
  let seconds = 0;
  const rest = text
    .replace(
      /(\d+)\s*(year|mon|month|week|day|hour|min|minute|sec|second)s?\b/g,
      (_, count: string, unit: string) => {
        seconds += Number(count) * (UNIT_SECONDS[unit] ?? 0);
        return '';
      },
    )
    .replace(/(\d+):(\d+)(?::(\d+))?/, (_, hours: string, minutes: string, rest: string | undefined) => {
      seconds += Number(hours) * 3600 + Number(minutes) * 60 + Number(rest ?? 0);
      return '';
    });
  return rest.trim() === '' ? seconds : null;
}
