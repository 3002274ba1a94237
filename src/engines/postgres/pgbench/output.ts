/** What pgbench writes: its log of operations, and its messages. Pure. */
import type { OutcomeClass } from '../../../recording/recording.ts';
import type { LoggedOperation, LostClient } from '../../load-program.ts';

/**
 * `client_id transaction_no time script_no time_epoch time_us schedule_lag [retries]`, with --rate and one try:
 * https://www.postgresql.org/docs/current/pgbench.html ("Per-Transaction Logging"). The time counts from the due
 * instant (doLog and processXactStats in pgbench.c); it is a word where the operation did not complete.
 */
const LINE = /^(\d+) \d+ (\d+|[a-z]+) (\d+) (\d+) (\d+)(?: (-?\d+))?(?: \d+)?$/;

/** It tells these two by their SQLSTATE alone: getTransactionStatus and readCommandResponse in pgbench.c. */
const FAILURES: Readonly<Record<string, { readonly outcome: OutcomeClass; readonly code: string }>> = {
  serialization: { outcome: 'serialization failure', code: '40001' },
  deadlock: { outcome: 'deadlock', code: '40P01' },
};

export function readLog(line: string): LoggedOperation | null {
  const [, client, time, script, seconds, microseconds, lag] = LINE.exec(line) ?? [];
  if (client === undefined || time === undefined) return null;
  const operation = {
    client: Number(client),
    script: Number(script),
    endedAtEpochMs: Number(seconds) * 1000 + Number(microseconds) / 1000,
  };
  if (time === 'skipped') return { ...operation, ended: { how: 'skipped' } };
  if (/^\d/.test(time)) {
    const responseMs = Number(time) / 1000;
    return { ...operation, ended: { how: 'completed', responseMs, lagMs: Number(lag ?? 0) / 1000 } };
  }
  const failure = FAILURES[time] ?? { outcome: 'other error', code: null };
  return { ...operation, ended: { how: 'failed', ...failure, message: `pgbench logged "${time}"` } };
}

/**
 * "client 3 script 0 aborted in command 1 query 0: ERROR:  ..." and the other forms of commandFailed in pgbench.c.
 * At any error but a deadlock or a serialization failure it goes on without the client.
 */
const ABORTED = /client (\d+)\b.*?\baborted\b(?<rest>.*)$/;

export function readLostClient(line: string): LostClient | null {
  const match = ABORTED.exec(line);
  if (match === null) return null;
  const rest = match.groups?.rest ?? '';
  const script = /\bscript (\d+)/.exec(line)?.[1] ?? '0';
  const message =
    rest.replace(/^.*?(?:query \d+: |script \d+[;:] |: )/, '').replace(/^ERROR: {1,2}/, '') || rest.trim();
  return { client: Number(match[1]), script: Number(script), outcome: outcomeOf(message), message };
}

/** pgbench prints no SQLSTATE; these are the server's own words in English (src/backend/po has none for C). */
const WORDS: readonly (readonly [RegExp, OutcomeClass])[] = [
  [/due to statement timeout/, 'statement timeout'],
  [/due to lock timeout|could not obtain lock/, 'lock timeout'],
  [/deadlock detected/, 'deadlock'],
  [/could not serialize access/, 'serialization failure'],
  [/cached plan must not change/, 'cached plan changed'],
  [/(?:relation|column|table|function|type|schema) .*does not exist/, 'undefined object'],
  [/violates .*constraint/, 'constraint violation'],
  [
    /backend died|server closed the connection|terminating connection|connection .*(?:lost|failed)/,
    'connection lost',
  ],
];

function outcomeOf(message: string): OutcomeClass {
  return WORDS.find(([pattern]) => pattern.test(message))?.[1] ?? 'other error';
}
