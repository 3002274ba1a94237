/** What the SQL text of MySQL and MariaDB says by itself; no connection needed. */
import { UsageError } from '../../../errors.ts';
import type { OutcomeClass } from '../../../recording/recording.ts';
import type { Dialect } from '../../engine.ts';
import { fromNormalised } from './normalised.ts';
import { recognise } from './recognise.ts';
import { isToken, scan, type Token, tokensOf } from './scan.ts';
import { split } from './split.ts';

/** Knowledge of the SQL text of MySQL 8.0 and later and of MariaDB 10.11 and later. */
export const dialect: Dialect = {
  quote,
  quoteName: (parts) => parts.map(quote).join('.'),
  quoteTable: (parts) => quote(parts.at(-1) ?? ''),
  quoteLiteral,
  placeholder: () => '?',
  split,
  /** DDL commits by itself, inside a transaction too, and nothing is refused for being in one. */
  refusesTransaction: () => false,
  kindOf,
  classify,
  isLockTimeout: (code) => code !== null && LOCK_TIMEOUTS.includes(code),
  isSyntaxError: (code) => code !== null && SYNTAX_ERRORS.includes(code),
  adviceFor: (code) => (code !== null && STRICT_VALUES.includes(code) ? SQL_MODE_ADVICE : null),
  redactValues,
  blank,
  recognise,
  fromNormalised,
};

/** ER_INVALID_DEFAULT, ER_TRUNCATED_WRONG_VALUE: a zero date, most of the time. */
const STRICT_VALUES = ['1067', '1292'];
const SQL_MODE_ADVICE =
  'Correct the value, or write database.settings.sql_mode as production has it, where it accepts zero dates.';

/** ER_LOCK_WAIT_TIMEOUT, for rows and metadata locks alike. */
export const LOCK_WAIT_TIMEOUT = '1205';
/** ER_LOCK_NOWAIT of MySQL; MariaDB says 1205. */
const LOCK_NOWAIT = '3572';
const LOCK_TIMEOUTS = [LOCK_WAIT_TIMEOUT, LOCK_NOWAIT];
/** ER_PARSE_ERROR, ER_SYNTAX_ERROR, ER_EMPTY_QUERY. */
const SYNTAX_ERRORS = ['1064', '1149', '1065'];
/** ER_QUERY_INTERRUPTED: KILL QUERY. */
export const QUERY_INTERRUPTED = '1317';
/** ER_QUERY_TIMEOUT of MySQL: max_execution_time. */
export const QUERY_TIMEOUT = '3024';
/** ER_STATEMENT_TIMEOUT of MariaDB: max_statement_time. */
const STATEMENT_TIMEOUT = '1969';
/** The code for a connection that broke without a word from the server: CR_SERVER_LOST. */
export const SERVER_LOST = '2013';

function quote(identifier: string): string {
  if (identifier === '' || identifier.includes('\0'))
    throw new UsageError(
      `"${identifier.replaceAll('\0', '\\0')}" cannot be a name in MySQL: it is empty or holds NUL`,
    );
  return `\`${identifier.replaceAll('`', '``')}\``;
}

/** A text literal that reads the same whether or not the sql_mode has NO_BACKSLASH_ESCAPES. */
function quoteLiteral(text: string): string {
  if (!/[\\\0]/.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return `_utf8mb4 x'${Buffer.from(text).toString('hex')}'`;
}

type StatementKind = ReturnType<Dialect['kindOf']>;

/** Under `ddl` stands what commits by itself: https://dev.mysql.com/doc/refman/en/implicit-commit.html */
const KINDS: Readonly<Record<Exclude<StatementKind, 'other'>, readonly string[]>> = {
  read: ['select', 'table', 'values', 'show', 'explain', 'describe', 'desc', 'checksum', 'help'],
  write: ['insert', 'update', 'delete', 'replace', 'load'],
  ddl: [
    ...['create', 'alter', 'drop', 'rename', 'truncate', 'grant', 'revoke', 'install', 'uninstall'],
    ...['analyze', 'optimize', 'repair', 'check', 'flush', 'cache'],
  ],
  transaction: ['begin', 'commit', 'rollback', 'savepoint', 'release', 'xa'],
  session: ['set', 'use', 'prepare', 'execute', 'deallocate', 'lock', 'unlock'],
};

function kindOf(statement: string): StatementKind {
  const tokens = tokensOf(statement);
  const first = tokens.find((each) => !isToken(each, '('));
  const at = first === undefined ? -1 : tokens.indexOf(first);
  const second = tokens[at + 1];
  if (first?.kind !== 'word') return 'other';
  if (first.text === 'with') return tokens.some(changesRows) ? 'write' : 'read';
  if (first.text === 'start') return isToken(second, 'transaction') ? 'transaction' : 'other';
  if (first.text === 'begin' && isToken(second, 'not')) return 'other';
  // A temporary table is made and dropped without a commit.
  if (isToken(second, 'temporary')) return 'session';
  for (const kind of ['read', 'write', 'ddl', 'transaction', 'session'] as const)
    if (KINDS[kind].includes(first.text)) return kind;
  return 'other';
}

/** `with a as (...) update t set`, where a word right before tells a column of that name apart. */
function changesRows(token: Token, index: number, tokens: readonly Token[]): boolean {
  return (isToken(token, 'update') || isToken(token, 'delete')) && isToken(tokens[index - 1], ')');
}

/**
 * Error numbers: https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html and
 * https://mariadb.com/kb/en/mariadb-error-code-reference/
 */
const OUTCOMES: Readonly<Partial<Record<OutcomeClass, readonly string[]>>> = {
  'statement timeout': [QUERY_INTERRUPTED, QUERY_TIMEOUT, STATEMENT_TIMEOUT],
  'lock timeout': LOCK_TIMEOUTS,
  deadlock: ['1213', '1614'],
  // A snapshot older than the table; MariaDB's innodb_snapshot_isolation says 1020.
  'serialization failure': ['1020'],
  'cached plan changed': ['1412', '1615'],
  'undefined object': ['1049', '1051', '1054', '1091', '1109', '1146', '1176', '1305', '1356', '4162'],
  'constraint violation': [
    ...['1022', '1048', '1062', '1169', '1216', '1217', '1263', '1364', '1451', '1452', '1557', '1586'],
    ...['1761', '1762', '3819', '4025'],
  ],
  'connection lost': [
    ...['1053', '1077', '1079', '1080', '1152', '1158', '1159', '1160', '1161', '1184', '1927', '3169'],
    ...['4031', '2002', '2003', '2006', SERVER_LOST, '2055'],
  ],
};

const OUTCOME_OF: ReadonlyMap<string, OutcomeClass> = new Map(
  Object.entries(OUTCOMES).flatMap(([outcome, codes]) =>
    codes.map((code) => [code, outcome as OutcomeClass]),
  ),
);

function classify(code: string | null, message: string): OutcomeClass {
  if (code !== null) return OUTCOME_OF.get(code) ?? 'other error';
  return /ECONNRESET|EPIPE|closed state|connection lost|socket/i.test(message)
    ? 'connection lost'
    : 'other error';
}

/** Messages put names into the quotes of literals; behind these words, or before these, stands a name. */
const NAME_BEFORE =
  /\b(?:column|columns|key|index|table|database|schema|constraint|field|name|drop|view|function|procedure|trigger|variable|partition|user|collation|character set|engine|event|option|in) $/i;
const NAME_BEHIND = /^ (?:doesn.t |already exists|cannot be null|has no|is not|in 'f)/;
/** `near 'the rest of the statement' at line 1`: the rest may hold quotes of its own. */
const NEAR = /( near )'.*'( at line \d+)/gs;
/** `Duplicate entry 'a'b' for key 't.k'`: the value is not escaped. */
const DUPLICATE = /(Duplicate entry )'.*'( for key )/gs;
const INCORRECT = /((?:Incorrect|Truncated incorrect|Invalid) [\w ]*value: )'.*'(?= for|$)/gs;

/** Messages whose first word begins statements too. */
const MESSAGE_LIKE_SQL = /^(?:Table|Check constraint) '/;
/** Stands for the apostrophe of "doesn't", which is no quote. */
const APOSTROPHE = '\u2019';

function plainMessage(text: string): string {
  return text
    .replace(/(?<=n)'(?=t\b)/g, APOSTROPHE)
    .replace(NEAR, "$1'?'$2")
    .replace(DUPLICATE, "$1'?'$2")
    .replace(INCORRECT, "$1'?'");
}

/** Literals become `?`; identifiers, parameters and comments stay. */
function redactValues(text: string): string {
  const isMessage = kindOf(text) === 'other' || MESSAGE_LIKE_SQL.test(text);
  const source = isMessage ? plainMessage(text) : text;
  let redacted = '';
  let at = 0;
  for (const next of scan(source)) {
    redacted += source.slice(at, next.from) + redactToken(next, source, isMessage);
    at = next.to;
  }
  redacted += source.slice(at);
  return isMessage ? redacted.replaceAll(APOSTROPHE, "'") : redacted;
}

function redactToken({ kind, from, to, text }: Token, source: string, isMessage: boolean): string {
  if (kind === 'number') return '?';
  if (kind !== 'string') return source.slice(from, to);
  if (!isMessage || !text.startsWith("'")) return "'?'";
  const isName = NAME_BEFORE.test(source.slice(0, from)) || NAME_BEHIND.test(source.slice(to));
  return isName ? text : "'?'";
}

function blank(text: string): string {
  let blanked = '';
  let at = 0;
  for (const next of scan(text)) {
    const hidden = ['string', 'quoted', 'comment', 'executable'].includes(next.kind);
    const piece = text.slice(next.from, next.to);
    blanked += text.slice(at, next.from);
    blanked += hidden ? piece.replace(/[^\n]/g, ' ') : piece;
    at = next.to;
  }
  return blanked + text.slice(at);
}
