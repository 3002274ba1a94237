/**
 * The deadlock that InnoDB's monitor prints: its transactions, what each of them ran and waited for, which locks were in
 * the way, and who was rolled back. Of the records that it prints with every lock nothing is kept: they are rows of users.
 *
 * MySQL tells of each transaction what it HOLDS and what it is WAITING FOR; MariaDB with what each of them is waiting for
 * the locks that are CONFLICTING, each with the number of its transaction.
 * https://dev.mysql.com/doc/refman/8.4/en/innodb-standard-monitor.html
 */
import { nameIn, tokensOf } from '../text/scan.ts';

/** A lock as the server's own views name it. */
export interface PrintedLock {
  readonly schema: string | null;
  readonly table: string;
  /** With its subpartition; null where the table has none. */
  readonly partition: string | null;
  /** Null of a lock on the whole table. */
  readonly index: string | null;
  /** As LOCK_MODE of data_locks: "X,GAP", "X,REC_NOT_GAP", "S", "X,INSERT_INTENTION", "AUTO_INC". */
  readonly mode: string;
}

/** A transaction that waits for a lock just now. */
export interface PrintedWait {
  readonly connectionId: number;
  readonly waitedMs: number;
  readonly lock: PrintedLock;
}

export interface PrintedParty {
  /** Connection; null where a thread of the server itself ran the transaction. */
  readonly connectionId: number | null;
  /** Who that was, where it was told. */
  readonly user: string | null;
  /** The statement that waited, with its values; null where none was told. */
  readonly statement: string | null;
  /** The monitor prints the first 3000 bytes of a statement, and so much of this one is there. */
  readonly statementCut: boolean;
  readonly waitedFor: PrintedLock | null;
  /** Those in the way of the others. */
  readonly held: readonly PrintedLock[];
  /**
   * Null on MariaDB: the number that its monitor gives is not that of the transaction which gets the error (measured on
   * 10.11.18 and 11.8.6, five deadlocks each).
   */
  readonly victim: boolean | null;
}

export interface PrintedDeadlock {
  /** The same for every printing of one deadlock, another one for every other deadlock. */
  readonly key: string;
  readonly parties: readonly PrintedParty[];
}

const SECTION = /^-+\nLATEST DETECTED DEADLOCK\n-+\n/m;
const NEXT_SECTION = /^-+\nTRANSACTIONS\n-+\n/gm;
/** A statement may hold any line; only one that is followed by what follows it in the monitor's own words counts. */
const PARTY = /^\*\*\* \((\d+)\) TRANSACTION:\n(?=\n*TRANSACTION (\d+), )/;
const LOCKS =
  /^\*\*\* (?:\(\d+\) )?(HOLDS THE LOCK\(S\)|WAITING FOR THIS LOCK TO BE GRANTED|CONFLICTING WITH):\n+(.*)/;
const VICTIM = /^\*\*\* WE ROLL BACK TRANSACTION \((\d+)\)$/;
const SESSION = /^(?:MySQL|MariaDB) thread id (\d+), OS thread handle \S+, query id \d+(.*)$/;
const NAME = '`(?:[^`]|``)*`';
const LOCK = new RegExp(
  `^(?:RECORD LOCKS .*? index (.+) of|TABLE LOCK) table (?:(${NAME})\\.)?(${NAME})(?: /\\* (.*) \\*/)? trx id (\\d+) lock[ _]mode (.*)$`,
);
/** In bytes: MySQL cuts the statement, MariaDB the statement with the line of its session. */
const MYSQL_CUT = 3_000;
const MARIADB_CUT = 3_070;

interface Block {
  readonly transaction: string;
  readonly lines: string[];
  readonly locks: { readonly what: string; readonly lock: PrintedLock; readonly transaction: string }[];
}

/** The latest deadlock in the text of SHOW ENGINE INNODB STATUS; null when there was none. */
export function parseLatestDeadlock(status: string): PrintedDeadlock | null {
  const section = SECTION.exec(status);
  if (section === null) return null;
  const rest = status.slice(section.index + section[0].length);
  // A statement may hold the next heading too; the last one is the monitor's.
  const end = [...rest.matchAll(NEXT_SECTION)].at(-1)?.index ?? rest.length;
  return parseDeadlock(rest.slice(0, end));
}

function parseDeadlock(text: string): PrintedDeadlock | null {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let victim: number | null = null;
  let under: string | null = null;
  for (const [index, line] of lines.entries()) {
    const ahead = lines.slice(index, index + 4).join('\n');
    const party = PARTY.exec(ahead);
    const locks = LOCKS.exec(ahead);
    const block = blocks.at(-1);
    if (party !== null && Number(party[1]) === blocks.length + 1) {
      blocks.push({ transaction: party[2] ?? '', lines: [], locks: [] });
      under = null;
    } else if (block === undefined) continue;
    else if (locks !== null && lockIn(locks[2] ?? '') !== null) under = locks[1] ?? null;
    else if (under === null) block.lines.push(line);
    else {
      const lock = lockIn(line);
      if (lock !== null) block.locks.push({ what: under, ...lock });
      const rolledBack = VICTIM.exec(line);
      if (rolledBack !== null) victim = Number(rolledBack[1]);
    }
  }
  if (blocks.length === 0) return null;
  return {
    key: `${lines.find((line) => line !== '') ?? ''} ${blocks.map(({ transaction }) => transaction).join(' ')}`,
    parties: blocks.map((block, index) => partyOf(block, blocks, victim === index + 1)),
  };
}

const TRANSACTION = /^---TRANSACTION /;
/** MariaDB alone prints a length of time in microseconds; seconds are of no use. */
const WAITING = /^------- TRX HAS BEEN WAITING (\d+) us FOR THIS LOCK TO BE GRANTED:$/;

/** Who waits for a row lock, for how long and for which, by the text of SHOW ENGINE INNODB STATUS of MariaDB. */
export function parseWaits(status: string): readonly PrintedWait[] {
  const from = [...status.matchAll(NEXT_SECTION)].at(-1)?.index ?? 0;
  const lines = status.slice(from).split('\n');
  const waits: PrintedWait[] = [];
  let connectionId: number | null = null;
  for (const [index, line] of lines.entries()) {
    if (TRANSACTION.test(line)) connectionId = null;
    // What follows the line of the session is its statement, which may hold any line.
    const session: RegExpExecArray | null = connectionId === null ? SESSION.exec(line) : null;
    if (session !== null) connectionId = Number(session[1]);
    const waiting = WAITING.exec(line);
    const found = waiting === null ? null : lockIn(lines[index + 1] ?? '');
    if (waiting === null || found === null || connectionId === null) continue;
    waits.push({ connectionId, waitedMs: Number(waiting[1]) / 1000, lock: found.lock });
  }
  return waits;
}

function partyOf({ transaction, lines, locks }: Block, all: readonly Block[], victim: boolean): PrintedParty {
  const at = lines.findIndex((line) => SESSION.test(line));
  const line = lines[at] ?? '';
  const session = SESSION.exec(line);
  const statement =
    at < 0
      ? ''
      : lines
          .slice(at + 1)
          .join('\n')
          .trim();
  const bytes = Buffer.byteLength(statement);
  const isMariadb = line.startsWith('MariaDB');
  const held = [
    ...locks.filter(({ what }) => what.startsWith('HOLDS')),
    ...all
      .flatMap((block) => block.locks)
      .filter((lock) => lock.what.startsWith('CONFLICTING') && lock.transaction === transaction),
  ];
  return {
    connectionId: session === null ? null : Number(session[1]),
    user: userIn((session?.[2] ?? '').trim()),
    statement: statement === '' ? null : statement,
    statementCut: isMariadb ? bytes + Buffer.byteLength(line) >= MARIADB_CUT : bytes >= MYSQL_CUT,
    waitedFor: locks.find(({ what }) => what.startsWith('WAITING'))?.lock ?? null,
    held: distinct(held.map(({ lock }) => lock)),
    victim: isMariadb ? null : victim,
  };
}

const ADDRESS = /^(?:\d+\.\d+\.\d+\.\d+|[\da-f]*:[\da-f:.]*)$/i;

/** "[host] [address] user state": the host only where it has a name, the address only of a connection by the network. */
function userIn(words: string): string | null {
  const [first = '', second = '', third] = words.split(' ');
  const user = ADDRESS.test(first) ? second : ADDRESS.test(second) ? third : second;
  return user === undefined || user === '' ? null : user;
}

function lockIn(line: string): { readonly lock: PrintedLock; readonly transaction: string } | null {
  const found = LOCK.exec(line);
  if (found === null) return null;
  const [, index, schema, table = '', partition, transaction = '', words = ''] = found;
  return {
    transaction,
    lock: {
      schema: schema === undefined ? null : unquoted(schema),
      table: unquoted(table),
      partition: partition === undefined ? null : partitionIn(partition),
      index: index === undefined ? null : unquoted(index),
      mode: modeIn(words),
    },
  };
}

function unquoted(name: string): string {
  return /^`.*`$/s.test(name) ? name.slice(1, -1).replaceAll('``', '`') : name;
}

/** "Partition `p1`, Subpartition `p1sp0`". */
function partitionIn(comment: string): string {
  const names = tokensOf(comment).flatMap((token) => (token.kind === 'quoted' ? [nameIn(token) ?? ''] : []));
  return names.length === 0 ? comment : names.join(', ');
}

/** The monitor's words for what data_locks has letters for. */
function modeIn(words: string): string {
  const letters = /^[A-Z]+(?:-INC)?/.exec(words)?.[0].replace('-', '_') ?? words;
  return [
    letters,
    ...(words.includes('locks rec but not gap') ? ['REC_NOT_GAP'] : []),
    ...(words.includes('locks gap before rec') ? ['GAP'] : []),
    ...(words.includes('insert intention') ? ['INSERT_INTENTION'] : []),
  ].join(',');
}

function distinct(locks: readonly PrintedLock[]): readonly PrintedLock[] {
  return [...new Map(locks.map((lock) => [JSON.stringify(lock), lock])).values()];
}
