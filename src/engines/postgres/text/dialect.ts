/** What Postgres's SQL text says by itself; no connection needed. */
import { UsageError } from '../../../errors.ts';
import type { OutcomeClass } from '../../../recording/recording.ts';
import type { Dialect } from '../../engine.ts';
import { fromNormalised } from './normalised.ts';
import { recognise } from './recognise.ts';
import { isToken, nextToken, type Token, tokensOf } from './scan.ts';
import { inlineCopy, split } from './split.ts';

/** Knowledge of the SQL text of Postgres 10 to 18. */
export const dialect: Dialect = {
  quote,
  quoteName: (parts) => parts.map(quote).join('.'),
  quoteTable: (parts) => parts.map(quote).join('.'),
  quoteLiteral,
  placeholder: (position) => `$${position}`,
  split,
  refusesTransaction,
  kindOf,
  classify,
  isLockTimeout: (code) => code === LOCK_NOT_AVAILABLE,
  redactValues,
  blank,
  recognise,
  fromNormalised,
};

/** `lock_not_available`: lock_timeout gave up, or NOWAIT did. */
const LOCK_NOT_AVAILABLE = '55P03';

function quote(identifier: string): string {
  if (identifier === '' || identifier.includes('\0'))
    throw new UsageError(
      `"${identifier.replaceAll('\0', '\\0')}" cannot be a name in Postgres: it is empty or holds NUL`,
    );
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A text literal that reads the same whatever standard_conforming_strings is. */
function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new UsageError('a text with a NUL character cannot be stored in Postgres');
  const doubled = text.replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

/**
 * Beginnings of the statements for which the server calls PreventInTransactionBlock (src/backend/tcop/utility.c and
 * the commands themselves). Left out is what depends on the object: CLUSTER or REINDEX of a partitioned table, and
 * ALTER TYPE ADD VALUE before Postgres 12.
 */
const REFUSES_TRANSACTION: readonly RegExp[] = [
  /^create (?:unique )?index concurrently\b/,
  /^drop index concurrently\b/,
  /^reindex (?:\( .*?\) )?(?:database|system|schema)\b/,
  /^reindex (?:\( .*?\bconcurrently\b(?! (?:off|false|0)\b).*?\) )/,
  /^reindex (?:\( .*?\) )?(?:index|table) concurrently\b/,
  /^vacuum\b/,
  /^cluster(?: verbose| \( .*?\))?$/,
  /^(?:create|drop) (?:database|tablespace)\b/,
  /^alter database .* set tablespace\b/,
  /^alter system\b/,
  /^alter table .* detach partition .* concurrently$/,
  /^(?:create|drop) subscription\b/,
  /^alter subscription .* (?:refresh|set publication|add publication|drop publication)\b/,
  /^(?:commit|rollback) prepared\b/,
  /^discard all\b/,
];

function refusesTransaction(statement: string): boolean {
  const words = tokensOf(statement)
    .map((each) => (each.kind === 'quoted' || each.kind === 'string' ? '?' : each.text))
    .join(' ');
  return REFUSES_TRANSACTION.some((pattern) => pattern.test(words));
}

type StatementKind = ReturnType<Dialect['kindOf']>;

const KINDS: Readonly<Record<Exclude<StatementKind, 'other'>, readonly string[]>> = {
  read: ['select', 'table', 'values', 'show', 'explain', 'fetch'],
  write: ['insert', 'update', 'delete', 'merge'],
  ddl: [
    ...[
      'create',
      'alter',
      'drop',
      'truncate',
      'comment',
      'grant',
      'revoke',
      'security',
      'import',
      'reassign',
    ],
    ...['reindex', 'cluster', 'refresh', 'repack'],
  ],
  transaction: ['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release'],
  session: [
    'set',
    'reset',
    'discard',
    'listen',
    'unlisten',
    'load',
    'prepare',
    'deallocate',
    'declare',
    'close',
  ],
};

function kindOf(statement: string): StatementKind {
  const tokens = tokensOf(statement);
  const first = tokens.find((each) => !isToken(each, '('));
  if (first?.kind !== 'word') return 'other';
  if (first.text === 'with') return writesWithin(tokens) ? 'write' : 'read';
  if (first.text === 'select' && createsTable(tokens)) return 'ddl';
  if (first.text === 'copy') return tokens.some((each) => isToken(each, 'from')) ? 'write' : 'read';
  if (first.text === 'prepare' && isToken(tokens[1], 'transaction')) return 'transaction';
  for (const kind of ['read', 'write', 'ddl', 'transaction', 'session'] as const)
    if (KINDS[kind].includes(first.text)) return kind;
  return 'other';
}

/** A data-changing command stands right behind a parenthesis: `with a as (delete ...)`, `with a as (...) update`. */
function writesWithin(tokens: readonly Token[]): boolean {
  return tokens.some(
    (each, index) =>
      KINDS.write.some((command) => isToken(each, command)) &&
      (isToken(tokens[index - 1], '(') || isToken(tokens[index - 1], ')')),
  );
}

/** `select ... into t from ...` */
function createsTable(tokens: readonly Token[]): boolean {
  let depth = 0;
  for (const each of tokens) {
    if (isToken(each, '(')) depth += 1;
    if (isToken(each, ')')) depth -= 1;
    if (depth === 0 && isToken(each, 'from')) return false;
    if (depth === 0 && isToken(each, 'into')) return true;
  }
  return false;
}

/** SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const OUTCOMES: Readonly<Record<string, OutcomeClass>> = {
  '57014': 'statement timeout',
  [LOCK_NOT_AVAILABLE]: 'lock timeout',
  '40P01': 'deadlock',
  '40001': 'serialization failure',
  '42703': 'undefined object',
  '42P01': 'undefined object',
  '42883': 'undefined object',
  '42704': 'undefined object',
  '3F000': 'undefined object',
  '57P01': 'connection lost',
  '57P02': 'connection lost',
  '57P03': 'connection lost',
  '57P04': 'connection lost',
  '57P05': 'connection lost',
  '25P03': 'connection lost',
};

function classify(code: string | null, message: string): OutcomeClass {
  if (code === null)
    return /terminated|ECONNRESET|EPIPE|not queryable|socket/i.test(message)
      ? 'connection lost'
      : 'other error';
  // The class also holds "cannot do this here"; only this message, which no lc_messages of ours translates, is meant.
  if (code === '0A000') return message.includes('cached plan') ? 'cached plan changed' : 'other error';
  // Both codes have other causes too: https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT
  if (message.includes('conflict with recovery')) return 'recovery conflict';
  if (code.startsWith('23')) return 'constraint violation';
  if (code.startsWith('08')) return 'connection lost';
  return OUTCOMES[code] ?? 'other error';
}

/** Places in server messages where a value stands, and would not be taken for a literal. */
const MESSAGE_VALUES: readonly [RegExp, string][] = [
  [/\)=\(.*?\)(?= (?:already|is|conflicts|still)|[.,]|$)/g, ')=(?)'],
  [/(Failing row contains )\(.*\)/gs, '$1(?)'],
  [/(: )"(?:[^"]|"")*"/g, '$1"?"'],
  [/(\bvalue )"(?:[^"]|"")*"/g, '$1"?"'],
];

/** Literals become `?`; identifiers, parameters and comments stay. */
function redactValues(text: string): string {
  const withoutData = inlineCopy(text)?.statement ?? text;
  const source = MESSAGE_VALUES.reduce((so, [pattern, to]) => so.replace(pattern, to), withoutData);
  let redacted = '';
  let at = 0;
  for (let next = nextToken(source, 0, false); next !== null; next = nextToken(source, next.to, false)) {
    redacted += source.slice(at, next.from) + redactToken(next, source);
    at = next.to;
  }
  return redacted + source.slice(at);
}

function redactToken(token: Token, source: string): string {
  if (token.kind === 'string') return "'?'";
  if (token.kind === 'dollar') return '$$?$$';
  return token.kind === 'number' ? '?' : source.slice(token.from, token.to);
}

function blank(text: string): string {
  let blanked = '';
  let at = 0;
  for (let next = nextToken(text, 0, false); next !== null; next = nextToken(text, next.to, false)) {
    const hidden = ['string', 'dollar', 'quoted', 'comment'].includes(next.kind);
    const piece = text.slice(next.from, next.to);
    blanked += text.slice(at, next.from);
    blanked += hidden ? piece.replace(/[^\n]/g, ' ') : piece;
    at = next.to;
  }
  return blanked + text.slice(at);
}
