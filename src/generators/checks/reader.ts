/** Walks over the tokens of an expression. */
import { type Token, UnreadableExpression } from './tokens.ts';

export interface Reader {
  peek(ahead?: number): Token;
  next(): Token;
  /** Takes the token when it is this word (any case) or symbol. */
  take(text: string): boolean;
  expect(text: string): void;
}

const END: Token = { kind: 'end', text: 'the end' };

export function readerOf(tokens: readonly Token[]): Reader {
  let position = 0;
  const peek = (ahead = 0): Token => tokens[position + ahead] ?? END;
  const take = (text: string): boolean => {
    const token = peek();
    const same =
      (token.kind === 'symbol' && token.text === text) ||
      (token.kind === 'word' && token.text.toLowerCase() === text);
    if (same) position += 1;
    return same;
  };
  return {
    peek,
    take,
    next: () => {
      const token = peek();
      position += 1;
      return token;
    },
    expect: (text) => {
      if (!take(text)) throw new UnreadableExpression(`"${text}" expected before "${peek().text}"`);
    },
  };
}

/** Over a name with its qualifiers. */
export function skipName(reader: Reader): void {
  reader.next();
  while (reader.take('.')) reader.next();
}

/** Words that make up the type names of more than one word. */
const TYPE_WORDS = new Set(['varying', 'precision', 'with', 'without', 'time', 'zone', 'unsigned', 'signed']);

/** Over the name of a type with its sizes. */
export function skipType(reader: Reader): void {
  skipName(reader);
  for (;;) {
    const token = reader.peek();
    if (token.kind === 'word' && TYPE_WORDS.has(token.text.toLowerCase())) reader.next();
    else if (token.text === '(' && token.kind === 'symbol') {
      while (!reader.take(')')) if (reader.next().kind === 'end') return;
    } else if (token.text === '[' && token.kind === 'symbol') {
      while (!reader.take(']')) if (reader.next().kind === 'end') return;
    } else return;
  }
}

const INTERVAL_UNITS = new Set(['second', 'minute', 'hour', 'day', 'week', 'month', 'year']);

/** What follows `interval`: `90 day` of MySQL, which the other engine prints as '90 days', a text. */
export function intervalIn(reader: Reader): string {
  const amount = reader.next().text;
  const unit = reader.peek().kind === 'word' ? reader.peek().text.toLowerCase() : '';
  if (!INTERVAL_UNITS.has(unit)) return amount;
  reader.next();
  return `${amount} ${unit}`;
}
