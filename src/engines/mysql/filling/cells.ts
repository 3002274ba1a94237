/** Values as SQL text. Nothing here depends on the sql_mode of a session. */
import { dialect } from '../text/dialect.ts';
import { isToken, scan, type Token } from '../text/scan.ts';

/** A bound value as a literal: a list becomes its elements with commas, for `in (?)`. */
export function literalOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return dialect.quoteLiteral(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`${value} cannot be sent to MySQL`);
    return String(value);
  }
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  if (Array.isArray(value)) return value.length === 0 ? 'null' : value.map(literalOf).join(', ');
  throw new Error(`a value of type ${typeof value} cannot be sent to MySQL`);
}

/** https://dev.mysql.com/doc/refman/en/string-literals.html#character-escape-sequences */
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '0': '\0', n: '\n', r: '\r', t: '\t', b: '\b', Z: '\u001a' },
};

/** The text that a string literal stands for. */
export function stringValue(literal: string): string {
  const quote = literal.charAt(0);
  return literal
    .slice(1, -1)
    .replaceAll(quote + quote, quote)
    .replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character);
}

/** Text of a statement around its placeholders: `texts` has one element more than there are placeholders. */
export interface Template {
  readonly texts: readonly string[];
  /** For each placeholder: it stands in LIMIT or OFFSET, where no quotes are allowed. */
  readonly inLimit: readonly boolean[];
}

/** Finds the placeholders outside of quotes and comments. */
export function templateOf(text: string): Template {
  const texts: string[] = [];
  const inLimit: boolean[] = [];
  let at = 0;
  const seen: Token[] = [];
  for (const next of scan(text)) {
    if (next.kind === 'comment') continue;
    if (next.kind === 'parameter') {
      texts.push(text.slice(at, next.from));
      inLimit.push(isLimit(seen));
      at = next.to;
    }
    seen.push(next);
  }
  return { texts: [...texts, text.slice(at)], inLimit };
}

/** `limit ?`, `offset ?`, `limit 5, ?` */
function isLimit(before: readonly Token[]): boolean {
  const last = before.at(-1);
  if (isToken(last, 'limit') || isToken(last, 'offset')) return true;
  return isToken(last, ',') && isToken(before.at(-3), 'limit');
}

/** Puts the values into their places; an Error when their numbers differ. */
export function fillIn({ texts, inLimit }: Template, values: readonly unknown[]): string {
  if (values.length !== inLimit.length)
    throw new Error(`${values.length} values for a statement with ${inLimit.length} placeholders`);
  let filled = texts[0] ?? '';
  for (const [index, value] of values.entries()) {
    const bare = inLimit[index] === true && typeof value === 'string' && /^\d+$/.test(value);
    filled += (bare ? value : literalOf(value)) + (texts[index + 1] ?? '');
  }
  return filled;
}
