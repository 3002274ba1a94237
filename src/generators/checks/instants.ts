/** Calculations with dates and instants, in seconds; those of two numbers are not for here. */
import { intervalSeconds } from './operands.ts';
import { numberOf, type Value } from './sql-values.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DAY_SECONDS = 86_400;

/** Months and years have no length of their own. */
const OF_ONE_LENGTH = /^(?!.*(?:year|mon))(?=\d+:\d|.*\b(?:week|day|hour|min|minute|sec|second)s?\b)/;

/**
 * `issued + '90 days'`, `issued + 90` of a date, and the days between two dates; null for every other calculation.
 * https://www.postgresql.org/docs/current/functions-datetime.html
 */
export function ofInstants(operator: string, one: Value, other: Value): number | null {
  if (operator !== '+' && operator !== '-') return null;
  const sign = operator === '+' ? 1 : -1;
  const seconds = typeof other === 'string' && OF_ONE_LENGTH.test(other) ? intervalSeconds(other) : null;
  if (seconds !== null) return numberOf(one) + sign * seconds;
  if (!isDate(one)) return null;
  if (isDate(other)) return operator === '-' ? (numberOf(one) - numberOf(other)) / DAY_SECONDS : null;
  return numberOf(one) + sign * numberOf(other) * DAY_SECONDS;
}

/** A column's value is a number with its text. */
function isDate(value: Value): boolean {
  if (value === null || typeof value === 'boolean' || value instanceof Uint8Array) return false;
  return DATE.test(typeof value === 'string' ? value : value.text);
}
