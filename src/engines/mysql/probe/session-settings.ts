/**
 * Settings of a session that a new one would not have, as statements: whoever ran `set foreign_key_checks = 0` in the one
 * means every session in which a statement of it is tried.
 * https://dev.mysql.com/doc/refman/en/server-system-variables.html
 */
import { type Session, SqlError } from '../../engine.ts';
import { connections } from '../connections/connections.ts';
import { dialect } from '../text/dialect.ts';

/** They change by themselves, or would make something else of the session. */
const BY_THEMSELVES = new Set([
  ...['timestamp', 'rand_seed1', 'rand_seed2', 'pseudo_thread_id', 'identity', 'insert_id', 'last_insert_id'],
  ...[
    'error_count',
    'warning_count',
    'statement_id',
    'in_transaction',
    'gtid_next',
    'gtid_seq_no',
    'last_gtid',
  ],
]);
/** ER_INCORRECT_GLOBAL_LOCAL_VAR, ER_GLOBAL_VARIABLE: it is none of a session, and another one has changed it. */
const NONE_OF_A_SESSION = ['1238', '1229'];

export async function differingSettings(session: Session): Promise<readonly string[]> {
  await using fresh = await connections.connect(session.target, { applicationName: 'rehearse probe' });
  const [own, usual] = [await settingsOf(session), await settingsOf(fresh)];
  const statements: string[] = [];
  for (const [name, value] of own) {
    if (BY_THEMSELVES.has(name) || usual.get(name) === value) continue;
    const written = /^-?\d+(\.\d+)?$/.test(value) ? value : dialect.quoteLiteral(value);
    const statement = `set session ${name} = ${written}`;
    try {
      await fresh.execute(statement);
      statements.push(statement);
    } catch (error) {
      if (!(error instanceof SqlError) || !NONE_OF_A_SESSION.includes(error.code ?? '')) throw error;
    }
  }
  return statements;
}

async function settingsOf(session: Session): Promise<ReadonlyMap<string, string>> {
  const rows = await session.query<{ Variable_name: string; Value: string }>('show session variables');
  return new Map(rows.map(({ Variable_name: name, Value: value }) => [name, value]));
}
