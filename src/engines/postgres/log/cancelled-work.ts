/**
 * Autovacuum that gave way, out of the server's log: when somebody has waited for its lock for deadlock_timeout, ProcSleep
 * (src/backend/storage/lmgr/proc.c) cancels it, and the worker says so, with the table in the context. Pure.
 */
import type { ToldCancel } from '../../engine.ts';
import { relationName } from '../views/relation-names.ts';
import type { LogRecord } from './record.ts';

const LINE_MS = 1;

/** Null for every other line, and for tables of other databases. */
export function cancelledWork(record: LogRecord, database: string): ToldCancel | null {
  if (record.message !== 'canceling autovacuum task') return null;
  const found = /automatic (vacuum|analyze) of table "(.+)"/.exec(record.context ?? '');
  const [, work, name = ''] = found ?? [];
  if ((work !== 'vacuum' && work !== 'analyze') || !name.startsWith(`${database}.`)) return null;
  const [schema = '', ...table] = name.slice(database.length + 1).split('.');
  return {
    sessionId: record.sessionId,
    work,
    table: relationName(schema, table.join('.')),
    at: { notBeforeMs: record.atMs, notAfterMs: record.atMs + LINE_MS },
  };
}
