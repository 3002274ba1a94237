/** Values of SQL expressions as they are computed here. */
import { parseInstant, parseTime } from '../types/calendar.ts';
import { UnreadableExpression } from './tokens.ts';

/** A number keeps its text, since `c::text ~ '...'` and lengths are about that. */
export interface Numeric {
  readonly number: number;
  readonly text: string;
  /** Of an enum whose labels have an order: `number` is the place of the label among them. */
  readonly labels?: readonly string[];
}

export type Value = null | boolean | string | Numeric | Uint8Array;

/** What differs between this computer's answer and the server's: neither true nor false for sure. */
export class Doubt extends Error {
  override readonly name = 'Doubt';
}

/** MySQL takes numbers for true and false. */
export function truth(value: Value): boolean | null {
  if (value === null || typeof value === 'boolean') return value;
  if (value instanceof Uint8Array) throw new UnreadableExpression('bytes are no condition');
  const number =
    typeof value === 'string' || value.labels !== undefined ? Number(textOf(value)) : value.number;
  if (Number.isNaN(number)) throw new UnreadableExpression(`"${textOf(value)}" is no condition`);
  return number !== 0;
}

/** A number, or the seconds of an instant or a time; {@link UnreadableExpression} for anything else. */
export function numberOf(value: Value): number {
  if (value === null || value instanceof Uint8Array)
    throw new UnreadableExpression('bytes or null are no number');
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' && value.labels !== undefined)
    throw new UnreadableExpression(`the label "${value.text}" is no number`);
  if (typeof value !== 'string') return value.number;
  const number = value.trim() === '' ? Number.NaN : Number(value.replace(/^\$/, ''));
  const found = Number.isNaN(number) ? (parseInstant(value) ?? parseTime(value)) : number;
  if (found === null) throw new UnreadableExpression(`"${value}" is no number`);
  return found;
}

export function textOf(value: Value): string {
  if (value === null || value instanceof Uint8Array) throw new UnreadableExpression('bytes are no text');
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? value : value.text;
}

/** The document; {@link UnreadableExpression} for text that is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnreadableExpression(`"${text}" is no JSON`, { cause: error });
  }
}
