/** Statements that a session prepares with SQL: the server counts what EXECUTE runs under the text of PREPARE, and PREPARE never. */
import { nextToken, type Token } from '../text/scan.ts';

export interface PreparedTexts {
  /** The text under which the server counts this one; null where it never does. In the order of the session. */
  countedAs(sessionId: number, text: string): string | null;
}

/** pg_stat_statements.c, PGSS_HANDLED_UTILITY: https://www.postgresql.org/docs/current/pgstatstatements.html */
export function trackPrepared(): PreparedTexts {
  const sessions = new Map<number, Map<string, string>>();
  return {
    countedAs(sessionId, text) {
      const [first, second] = firstTokens(text, 2);
      if (first?.kind !== 'word' || second === undefined) return text;
      const known = sessions.get(sessionId);
      if (first.text === 'execute') return known?.get(second.text) ?? text;
      if (first.text !== 'prepare' || (second.kind === 'word' && second.text === 'transaction')) return text;
      if (known === undefined) sessions.set(sessionId, new Map([[second.text, text]]));
      else known.set(second.text, text);
      return null;
    },
  };
}

function firstTokens(text: string, count: number): readonly Token[] {
  const tokens: Token[] = [];
  for (let next = nextToken(text, 0, false); next !== null; next = nextToken(text, next.to, false)) {
    if (next.kind === 'comment') continue;
    tokens.push(next);
    if (tokens.length === count) break;
  }
  return tokens;
}
