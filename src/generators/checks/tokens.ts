/** The words of a SQL expression. */

/** The expression is beyond this reader; the message says which part. */
export class UnreadableExpression extends Error {
  override readonly name = 'UnreadableExpression';
}

export interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'symbol' | 'end';
  readonly text: string;
}

const TOKEN =
  /\s*(?:([eEnNbBxX]?'(?:[^']|'')*')|("(?:[^"]|"")*"|`(?:[^`]|``)*`)|(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(::|<>|!=|<=|>=|!~~\*|!~~|~~\*|~~|!~\*|!~|~\*|->>|->|\|\||&&|@>|<@|[-+*/%<>=(),.[\]~^#&|@?!:]))/y;

/** Splits an expression into its tokens; comments do not occur in what the engines print. */
export function tokenise(source: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = source.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null)
      throw new UnreadableExpression(`"${source.slice(from, from + 20)}" is not understood`);
    const [, text, quoted, number, word, symbol] = match;
    if (text !== undefined) tokens.push({ kind: 'text', text: unquoteText(text) });
    else if (quoted !== undefined) tokens.push({ kind: 'quoted', text: unquoteName(quoted) });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'symbol', text: symbol ?? '' });
  }
  return tokens;
}

function unquoteText(text: string): string {
  const start = text.indexOf("'");
  const inside = text.slice(start + 1, -1).replaceAll("''", "'");
  return /^e/i.test(text) ? inside.replace(/\\(.)/g, '$1') : inside;
}

function unquoteName(text: string): string {
  const quote = text.charAt(0);
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}
