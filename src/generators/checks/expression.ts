/**
 * Reads a boolean SQL expression as the engines print it (`pg_get_constraintdef`, `CHECK_CLAUSE`) into a tree.
 * Casts and collations are dropped: what matters here is which values pass.
 */
import { intervalIn, type Reader, readerOf, skipName, skipType } from './reader.ts';
import { type Token, tokenise, UnreadableExpression } from './tokens.ts';

export type Expression =
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'case';
      readonly branches: readonly { readonly when: Expression; readonly result: Expression }[];
      readonly otherwise: Expression | null;
    }
  | { readonly kind: 'isNull'; readonly of: Expression }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly items: readonly Expression[] };

const COMPARISONS = new Set([
  ...['<', '<=', '=', '>=', '>', '<>', '!='],
  ...['~', '~*', '!~', '!~*', '~~', '~~*', '!~~', '!~~*'],
]);
const OTHER_OPERATORS = new Set(['||', '&&', '@>', '<@', '->', '->>', '&', '|', '#', '^', '?', '@', '!']);
const CONSTANTS = new Set(['current_timestamp', 'current_date', 'localtimestamp', 'current_time']);

/** Parses the expression; `CHECK (...)` around it and `NOT VALID` behind it may be there or not. */
export function parseExpression(source: string): Expression {
  const trimmed = source
    .trim()
    .replace(/^check\b/i, '')
    .replace(/\bno inherit\s*$|\bnot valid\s*$/i, '');
  const reader = readerOf(tokenise(trimmed));
  const expression = parseOr(reader);
  if (reader.peek().kind !== 'end')
    throw new UnreadableExpression(`"${reader.peek().text}" is not understood`);
  return expression;
}

/** Null for an expression that is beyond this reader. */
export function readableExpression(source: string): Expression | null {
  try {
    return parseExpression(source);
  } catch (error) {
    if (error instanceof UnreadableExpression) return null;
    throw error;
  }
}

function parseOr(reader: Reader): Expression {
  const items = [parseAnd(reader)];
  while (reader.take('or')) items.push(parseAnd(reader));
  const [only] = items;
  return items.length === 1 && only !== undefined ? only : { kind: 'or', items };
}

function parseAnd(reader: Reader): Expression {
  const items = [parseNot(reader)];
  while (reader.take('and')) items.push(parseNot(reader));
  const [only] = items;
  return items.length === 1 && only !== undefined ? only : { kind: 'and', items };
}

function parseNot(reader: Reader): Expression {
  if (reader.take('not')) return { kind: 'not', of: parseNot(reader) };
  return parsePredicate(reader);
}

function parsePredicate(reader: Reader): Expression {
  let left = parseSum(reader);
  for (;;) {
    if (reader.take('is')) left = parseIs(reader, left);
    else if (reader.peek().kind === 'symbol' && COMPARISONS.has(reader.peek().text))
      left = parseComparison(reader, left);
    else {
      const negated = reader.peek().text.toLowerCase() === 'not' && reader.take('not');
      const found = parseWordPredicate(reader, left);
      if (found === null) {
        if (negated) throw new UnreadableExpression(`"not ${reader.peek().text}" is not understood`);
        return left;
      }
      left = negated ? { kind: 'not', of: found } : found;
    }
  }
}

function parseIs(reader: Reader, left: Expression): Expression {
  const negated = reader.take('not');
  const wrap = (of: Expression): Expression => (negated ? { kind: 'not', of } : of);
  if (reader.take('null') || reader.take('unknown')) return wrap({ kind: 'isNull', of: left });
  for (const value of ['true', 'false'])
    if (reader.take(value)) {
      const right: Expression = { kind: 'literal', text: negated === (value === 'true') ? 'false' : 'true' };
      const is: Expression = { kind: 'binary', operator: '=', left, right };
      const isNull: Expression = { kind: 'isNull', of: left };
      return negated
        ? { kind: 'or', items: [is, isNull] }
        : { kind: 'and', items: [is, { kind: 'not', of: isNull }] };
    }
  if (reader.take('distinct')) {
    reader.expect('from');
    const distinct = { kind: 'binary', operator: 'is distinct from', left, right: parseSum(reader) } as const;
    return wrap(distinct);
  }
  throw new UnreadableExpression(`"is ${reader.peek().text}" is not understood`);
}

function parseComparison(reader: Reader, left: Expression): Expression {
  const operator = reader.next().text.replace('!=', '<>');
  if (reader.take('any') || reader.take('some')) {
    const right = parseParenthesised(reader);
    if (operator !== '=') throw new UnreadableExpression(`"${operator} any" is not understood`);
    return { kind: 'binary', operator: 'in', left, right };
  }
  if (reader.take('all')) {
    const right = parseParenthesised(reader);
    if (operator !== '<>') throw new UnreadableExpression(`"${operator} all" is not understood`);
    return { kind: 'not', of: { kind: 'binary', operator: 'in', left, right } };
  }
  return { kind: 'binary', operator, left, right: parseSum(reader) };
}

function parseWordPredicate(reader: Reader, left: Expression): Expression | null {
  if (reader.take('between')) {
    reader.take('symmetric');
    const from = parseSum(reader);
    reader.expect('and');
    const to = parseSum(reader);
    return {
      kind: 'and',
      items: [
        { kind: 'binary', operator: '>=', left, right: from },
        { kind: 'binary', operator: '<=', left, right: to },
      ],
    };
  }
  if (reader.take('in')) {
    reader.expect('(');
    return { kind: 'binary', operator: 'in', left, right: { kind: 'list', items: parseItems(reader, ')') } };
  }
  for (const [word, operator] of [
    ['like', '~~'],
    ['ilike', '~~*'],
    ['regexp', '~'],
    ['rlike', '~'],
  ] as const)
    if (reader.take(word)) return { kind: 'binary', operator, left, right: parseSum(reader) };
  return null;
}

function parseParenthesised(reader: Reader): Expression {
  reader.expect('(');
  const inside = parseOr(reader);
  reader.expect(')');
  return inside;
}

function parseItems(reader: Reader, close: string): readonly Expression[] {
  const items: Expression[] = [];
  if (reader.take(close)) return items;
  do {
    for (const word of ['both', 'leading', 'trailing', 'from', 'for']) reader.take(word);
    items.push(parseOr(reader));
  } while (reader.take(',') || ['from', 'for'].includes(reader.peek().text.toLowerCase()));
  reader.expect(close);
  return items;
}

function parseSum(reader: Reader): Expression {
  let left = parseProduct(reader);
  for (;;) {
    const token = reader.peek();
    if (token.kind !== 'symbol') return left;
    if (token.text === '+' || token.text === '-' || OTHER_OPERATORS.has(token.text)) {
      reader.next();
      left = { kind: 'binary', operator: token.text, left, right: parseProduct(reader) };
    } else return left;
  }
}

function parseProduct(reader: Reader): Expression {
  let left = parsePostfix(reader);
  for (;;) {
    const token = reader.peek();
    const operator = token.kind === 'word' && token.text.toLowerCase() === 'mod' ? '%' : token.text;
    if ((token.kind !== 'symbol' && operator !== '%') || !['*', '/', '%'].includes(operator)) return left;
    reader.next();
    left = { kind: 'binary', operator, left, right: parsePostfix(reader) };
  }
}

function parsePostfix(reader: Reader): Expression {
  let value = parsePrimary(reader);
  for (;;) {
    if (reader.take('::')) skipType(reader);
    else if (value.kind !== 'literal' && reader.take('.'))
      value = { kind: 'call', name: '.', args: [value, { kind: 'literal', text: reader.next().text }] };
    else if (reader.take('collate')) skipName(reader);
    else if (reader.peek().text.toLowerCase() === 'at' && reader.peek(1).text.toLowerCase() === 'time') {
      for (const word of ['at', 'time', 'zone']) reader.expect(word);
      parsePrimary(reader);
    } else return value;
  }
}

function parsePrimary(reader: Reader): Expression {
  const token = reader.next();
  if (token.kind === 'text' || token.kind === 'number') return { kind: 'literal', text: token.text };
  if (token.kind === 'symbol') {
    if (token.text === '(') return parseRestOfRow(reader);
    if (token.text === '-') {
      const of = parsePostfix(reader);
      return of.kind === 'literal'
        ? { kind: 'literal', text: `-${of.text}` }
        : { kind: 'call', name: '-', args: [of] };
    }
    throw new UnreadableExpression(`"${token.text}" is not understood`);
  }
  if (token.kind === 'end') throw new UnreadableExpression('it ends too early');
  return parseName(reader, token);
}

function parseRestOfRow(reader: Reader): Expression {
  const inside = parseOr(reader);
  if (reader.take(',')) throw new UnreadableExpression('a comparison of rows is not understood');
  reader.expect(')');
  return inside;
}

function parseName(reader: Reader, first: Token): Expression {
  const word = first.kind === 'word' ? first.text.toLowerCase() : '';
  if (word === 'null') return { kind: 'null' };
  if (word === 'true' || word === 'false') return { kind: 'literal', text: word };
  if (CONSTANTS.has(word)) {
    if (reader.take('(')) parseItems(reader, ')');
    return { kind: 'call', name: word, args: [] };
  }
  if (word === 'case') return parseCase(reader);
  if (word === 'array' && reader.take('[')) return { kind: 'list', items: parseItems(reader, ']') };
  if (word === 'interval' && ['number', 'text'].includes(reader.peek().kind))
    return { kind: 'literal', text: intervalIn(reader) };
  // A typed literal (date '2024-01-01') or a character set before a text (_utf8mb4'abc').
  if (reader.peek().kind === 'text' && word !== '') return { kind: 'literal', text: reader.next().text };
  let name = first.text;
  while (reader.take('.')) name = reader.next().text;
  if (name.toLowerCase() === 'cast' && reader.take('(')) return parseCast(reader);
  if (reader.take('(')) return callOf(name.toLowerCase(), parseItems(reader, ')'));
  return { kind: 'column', name };
}

function parseCast(reader: Reader): Expression {
  const inside = parseOr(reader);
  reader.expect('as');
  skipType(reader);
  reader.expect(')');
  return inside;
}

/** As MariaDB prints them. */
const SYNONYMS: Readonly<Record<string, string>> = { lcase: 'lower', ucase: 'upper', mid: 'substring' };

/** The field of `extract(dow from at)` is a word, not a column. */
function callOf(written: string, args: readonly Expression[]): Expression {
  const name = SYNONYMS[written] ?? written;
  const [first, ...rest] = args;
  if (name !== 'extract' || first?.kind !== 'column') return { kind: 'call', name, args };
  return { kind: 'call', name, args: [{ kind: 'literal', text: first.name }, ...rest] };
}

function parseCase(reader: Reader): Expression {
  const subject = reader.peek().text.toLowerCase() === 'when' ? null : parseOr(reader);
  const branches: { when: Expression; result: Expression }[] = [];
  while (reader.take('when')) {
    const tested = parseOr(reader);
    const when: Expression =
      subject === null ? tested : { kind: 'binary', operator: '=', left: subject, right: tested };
    reader.expect('then');
    branches.push({ when, result: parseOr(reader) });
  }
  const otherwise = reader.take('else') ? parseOr(reader) : null;
  reader.expect('end');
  return { kind: 'case', branches, otherwise };
}
