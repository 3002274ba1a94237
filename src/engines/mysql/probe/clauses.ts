/**
 * Where ALGORITHM and LOCK may stand in a statement. The grammars differ: after the actions of an ALTER TABLE, before
 * them where the actions are of partitions, before a PARTITION BY without a comma, and bare after CREATE or DROP INDEX. All
 * places that the text allows are given; the server alone tells which of them it takes.
 * https://dev.mysql.com/doc/refman/en/alter-table.html
 */
import { isToken, nameIn, type Token, tokensOf } from '../text/scan.ts';

export interface Clauses {
  readonly algorithm?: string;
  readonly lock?: string;
}

/** The statement with these clauses at one place. */
export type Placement = (clauses: Clauses) => string;

/** Every place for the clauses, the usual one first; none where the statement is of another kind. */
export function placementsOf(statement: string): readonly Placement[] {
  const text = withoutEnd(withoutClauses(statement));
  const tokens = tokensOf(text);
  const end = tokens.at(-1)?.to ?? 0;
  if (isIndexStatement(tokens)) return [(clauses) => inserted(text, end, ` ${listed(clauses, ' ')}`)];
  const start = actionsOf(tokens);
  if (start === null) return [];
  const actions = tokens[start]?.from ?? null;
  if (actions === null) return [(clauses) => inserted(text, end, ` ${listed(clauses, ', ')}`)];
  return [
    (clauses) => inserted(text, end, `, ${listed(clauses, ', ')}`),
    (clauses) => inserted(text, actions, `${listed(clauses, ', ')}, `),
    (clauses) => inserted(text, actions, `${listed(clauses, ', ')} `),
  ];
}

/** Without the semicolons behind it, after which a clause would begin a statement of its own. */
function withoutEnd(text: string): string {
  const last = tokensOf(text).findLast((token) => !isToken(token, ';'));
  const semicolon = tokensOf(text).find((token) => isToken(token, ';') && token.from >= (last?.to ?? 0));
  return semicolon === undefined ? text : text.slice(0, semicolon.from);
}

function listed({ algorithm, lock }: Clauses, separator: string): string {
  const clauses = [
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(lock === undefined ? [] : [`lock=${lock}`]),
  ];
  return clauses.join(separator);
}

function inserted(text: string, at: number, more: string): string {
  return text.slice(0, at) + more + text.slice(at);
}

const INDEX_MODIFIERS = ['or', 'replace', 'online', 'offline', 'unique', 'fulltext', 'spatial', 'vector'];

function isIndexStatement(tokens: readonly Token[]): boolean {
  if (!isToken(tokens[0], 'create') && !isToken(tokens[0], 'drop')) return false;
  const index = tokens.findIndex((token) => isToken(token, 'index'));
  return (
    index > 0 && tokens.slice(1, index).every((token) => INDEX_MODIFIERS.some((word) => isToken(token, word)))
  );
}

/** Place in the list of tokens of the first action of an ALTER TABLE; null for other statements. */
function actionsOf(tokens: readonly Token[]): number | null {
  if (!isToken(tokens[0], 'alter')) return null;
  let at = 1;
  while (['online', 'offline', 'ignore'].some((word) => isToken(tokens[at], word))) at += 1;
  if (!isToken(tokens[at], 'table')) return null;
  at += 1;
  if (isToken(tokens[at], 'if') && isToken(tokens[at + 1], 'exists')) at += 2;
  if (nameIn(tokens[at]) === null) return null;
  at += isToken(tokens[at + 1], '.') ? 3 : 1;
  if (isToken(tokens[at], 'nowait')) at += 1;
  else if (isToken(tokens[at], 'wait')) at += 2;
  return at;
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  algorithm: ['default', 'instant', 'nocopy', 'inplace', 'copy'],
  lock: ['default', 'none', 'shared', 'exclusive'],
};

/** The statement without the clauses that it has, so that the server is asked about the change itself. */
export function withoutClauses(statement: string): string {
  const tokens = tokensOf(statement);
  if (actionsOf(tokens) === null && !isIndexStatement(tokens)) return statement;
  const cuts: [number, number][] = [];
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    const last = depth === 0 ? endOfClause(tokens, index) : null;
    if (last === null) continue;
    const [before, after] = [tokens[index - 1], tokens[last + 1]];
    const to = tokens[last]?.to ?? token.to;
    // With the comma before it, unless that went with the clause before.
    if (isToken(before, ',') && cuts.at(-1)?.[1] !== before?.to) cuts.push([before?.from ?? token.from, to]);
    else cuts.push([token.from, isToken(after, ',') ? (after?.to ?? to) : to]);
  }
  return cuts.reduceRight((text, [from, to]) => text.slice(0, from) + text.slice(to), statement);
}

/** Index of the last token of the clause that begins here; null where none does. */
function endOfClause(tokens: readonly Token[], at: number): number | null {
  const token = tokens[at];
  const values = token?.kind === 'word' ? VALUES[token.text] : undefined;
  if (values === undefined) return null;
  const value = isToken(tokens[at + 1], '=') ? at + 2 : at + 1;
  return values.some((word) => isToken(tokens[value], word)) ? value : null;
}
