import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, startBareServer } from '../../../tests/server.ts';
import type { Session } from '../../engines/engine.ts';
import { findEngine } from '../../engines/index.ts';
import type { CodeStatement } from '../../recording/recording.ts';
import { readCode, readNextStatements } from './code.ts';

const engine = findEngine('postgres');
let server: BareServer;
let folder = '';

beforeAll(async () => {
  server = await startBareServer();
  folder = await mkdtemp(join(tmpdir(), 'rehearse code '));
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function statements(...texts: readonly string[]): readonly CodeStatement[] {
  return texts.map((text, index) => ({ codeVersion: 'running', operation: `operation_${index}`, text }));
}

const ROWS = new Map([['orders', 20_000]]);

function read(session: Session, texts: readonly string[], limitMs = 5000) {
  const { signal } = new AbortController();
  return readCode({ engine, session, statements: statements(...texts), rows: ROWS, limitMs, signal });
}

/** A new database with these tables. */
async function prepared(schema: string): Promise<Session> {
  const session = await server.session();
  await session.execute(schema);
  return session;
}

const ORDERS = `
  create table orders (id bigint primary key, reference text not null, note text);
  insert into orders select n, 'r' || n from generate_series(1, 20000) n;
  create index orders_reference on orders (reference);
  analyze orders`;
const BY_REFERENCE = 'select id from orders where reference = $1';

test('a statement works, then scans its table when the index is gone, then breaks with the column', async () => {
  await using session = await prepared(ORDERS);
  const works = { outcome: 'works', fullScans: [] };
  expect(await read(session, [BY_REFERENCE])).toEqual([works]);
  await session.execute('drop index orders_reference');
  expect(await read(session, [BY_REFERENCE])).toEqual([
    { outcome: 'works', fullScans: [{ table: 'orders', rows: 20_000 }] },
  ]);
  await session.execute('alter table orders drop column reference');
  expect(await read(session, [BY_REFERENCE, 'insert into orders (id) values ($1)'])).toMatchObject([
    { outcome: 'breaks', error: { code: '42703', message: 'column "reference" does not exist' } },
    works,
  ]);
});

test('a table that another session holds is not measured after the lock timeout, and the next statement is', async () => {
  await using session = await prepared(`${ORDERS}; create table free (id int primary key)`);
  await using holder = await engine.connections.connect(session.target, { applicationName: 'holder' });
  await using reader = await engine.connections.connect(session.target, {
    applicationName: 'reader',
    lockTimeoutMs: 100,
  });
  await holder.execute('begin; lock table orders in access exclusive mode');
  expect(await read(reader, [BY_REFERENCE, 'select id from free where id = $1'])).toMatchObject([
    { outcome: 'not measured', reason: expect.stringContaining('lock timeout (55P03)') },
    { outcome: 'works' },
  ]);
});

test('what is beyond the time limit is not measured', async () => {
  await using session = await prepared(ORDERS);
  expect(await read(session, [BY_REFERENCE], 0)).toMatchObject([
    { outcome: 'not measured', reason: expect.stringContaining('longest') },
  ]);
});

test('a lost connection is not measured, and no broken statement', async () => {
  await using session = await prepared(ORDERS);
  await using other = await engine.connections.connect(session.target, { applicationName: 'other' });
  await other.query('select pg_terminate_backend($1)', [session.id]);
  expect(await read(session, [BY_REFERENCE])).toMatchObject([{ outcome: 'not measured' }]);
});

test('statements of the next version need not fit the schema, but must be read', async () => {
  const file = join(folder, 'next.sql');
  await writeFile(file, '-- name: a\nselect nothing from nowhere where id = :id;\n');
  expect(await readNextStatements(file, engine.dialect)).toEqual([
    { codeVersion: 'next', operation: 'a', text: 'select nothing from nowhere where id = $1' },
  ]);
  await writeFile(file, '-- name: a\nselect $1, :id;\n');
  await expect(readNextStatements(file, engine.dialect)).rejects.toThrow(`${file}:2: a: $1 and :id`);
  await expect(readNextStatements(join(folder, 'none.sql'), engine.dialect)).rejects.toThrow(
    'load.nextOperations',
  );
});
