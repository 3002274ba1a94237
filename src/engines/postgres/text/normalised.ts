/** Statements as pg_stat_statements keeps them, made into statements that can be prepared. */
import type { NormalisedContext, Replayable } from '../../engine.ts';
import { isToken, nextToken, type Token } from './scan.ts';

/** Postgres 18 keeps the first value of a list: https://www.postgresql.org/docs/18/pgstatstatements.html */
export const SQUASHED = '/*, ... */';

/** `interval '1 day'` became `interval $1`, which only a literal may follow. */
const LITERAL_TYPES = new Set([
  ...[
    'interval',
    'date',
    'time',
    'timetz',
    'timestamp',
    'timestamptz',
    'inet',
    'cidr',
    'uuid',
    'json',
    'jsonb',
  ],
  ...[
    'numeric',
    'point',
    'box',
    'macaddr',
    'bytea',
    'money',
    'bit',
    'float8',
    'int4',
    'int8',
    'text',
    'bool',
  ],
]);

/**
 * In this order: values that the server had kept as literals, and a capture took out (`'?'`, `?`), become parameters;
 * squashed lists get further elements; literals of a type become casts; `count($1)` says its type.
 */
export function fromNormalised(text: string, { listLength }: NormalisedContext): Replayable {
  const tokens = allTokens(text);
  let last = Math.max(
    0,
    ...tokens.filter(({ kind }) => kind === 'parameter').map(({ text: each }) => Number(each.slice(1))),
  );
  const fresh = (): string => {
    last += 1;
    return `$${last}`;
  };
  let statement = '';
  let at = 0;
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    const parameter = isTakenOut(token, before) ? fresh() : token.kind === 'parameter' ? token.text : null;
    const gap = text.slice(at, token.from);
    at = token.to;
    if (token.kind === 'comment' && token.text === SQUASHED) {
      statement += `, ${Array.from({ length: Math.max(1, listLength - 1) }, fresh).join(', ')}`;
      return;
    }
    if (parameter === null) statement += gap + text.slice(token.from, token.to);
    else if (isLiteralOf(tokens, index)) {
      const type = before?.text ?? '';
      statement = `${statement.slice(0, statement.length - type.length)}cast(${parameter} as ${type})`;
    } else if (isToken(before, '(') && isToken(tokens[index - 2], 'count') && isToken(tokens[index + 1], ')'))
      statement += `${gap}${parameter}::int`;
    else statement += gap + parameter;
  });
  return { statement: (statement + text.slice(at)).trim().replace(/;+$/, '') };
}

function allTokens(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let next = nextToken(text, 0, false); next !== null; next = nextToken(text, next.to, false))
    tokens.push(next);
  return tokens;
}

/** A bare `?` stands where a value could; between two operands it is the operator of documents. */
function isTakenOut(token: Token, before: Token | undefined): boolean {
  if (token.kind === 'string') return token.text === "'?'";
  if (token.kind !== 'operator' || token.text !== '?') return false;
  if (before === undefined) return false;
  if (before.kind === 'word') return BEFORE_VALUES.has(before.text);
  return before.kind === 'operator' || ['(', ',', '[', ':'].some((sign) => isToken(before, sign));
}

const BEFORE_VALUES = new Set([
  ...[
    'select',
    'where',
    'and',
    'or',
    'not',
    'in',
    'limit',
    'offset',
    'between',
    'like',
    'ilike',
    'then',
    'else',
  ],
  ...['when', 'by', 'values', 'returning', 'first', 'next', 'from', 'for', 'escape', 'on', 'as'],
]);

function isLiteralOf(tokens: readonly Token[], index: number): boolean {
  const type = tokens[index - 1];
  return type?.kind === 'word' && LITERAL_TYPES.has(type.text) && !isToken(tokens[index - 2], '::');
}
