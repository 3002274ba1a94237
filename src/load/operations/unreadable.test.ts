import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findEngine } from '../../engines/index.ts';
import { UsageError } from '../../errors.ts';
import { refuseUnreadableWorkload } from './unreadable.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehearse-unreadable-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Files {
  readonly operations?: string;
  readonly nextOperations?: string;
  readonly replica?: boolean;
}

/** What is said, line by line; empty where nothing is. */
async function said({ operations, nextOperations, replica = false }: Files): Promise<readonly string[]> {
  const write = async (name: string, text: string | undefined): Promise<string | null> => {
    if (text === undefined) return null;
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const settings = {
    operationsFile: await write('running.sql', operations),
    nextOperationsFile: await write('next.sql', nextOperations),
  };
  const { dialect } = findEngine('postgres');
  const error = await refuseUnreadableWorkload({ settings, dialect, replica }).catch((each: unknown) => each);
  if (error === undefined) return [];
  if (!(error instanceof UsageError)) throw error;
  return error.message.replaceAll(`${folder}/`, '').split('\n');
}

test('both files are read without a server, and all that is wrong with them is said at once', async () => {
  const operations = `-- name: gap
select 1 where $2 = 1;
-- name: loose  transaction
-- :order: orders.id
select 1;
-- $2: 1..3
select 1 where $1 = 1;
update orders set status = 'x' where id = :orders;`;
  const nextOperations = '-- name: same\nselect 1;\n-- name: same\n-- name: light  weight: -1\nselect 1;\n';
  expect(await said({ operations, nextOperations })).toEqual([
    expect.stringMatching(/^running\.sql:2: gap: \$1 is missing/),
    'running.sql:5: loose: the hint for :order fits no parameter: remove it',
    'running.sql:7: loose: the hint for $2 fits no parameter: remove it',
    expect.stringMatching(/^next\.sql:3: the name "same" is taken by line 1/),
    expect.stringMatching(/^next\.sql:3: "same" has no statement/),
    expect.stringMatching(/^next\.sql:4: the weight of "light" is no number above 0/),
  ]);
  const named = '-- name: fine\n-- :a: orders.id\nselect 1;\nselect * from orders where id = :a;\n';
  expect(await said({ operations: named })).toEqual([]);
});

test('operations of a replica that is not there, or that write, are refused with their line', async () => {
  const operations =
    '-- name: read  replica\nselect 1;\n-- name: write  replica\ndelete from orders where id = $1;\n';
  expect(await said({ operations })).toEqual([
    expect.stringMatching(
      /^running\.sql:1: read: it is for the replica, and there is none: write "replica: true"/,
    ),
    expect.stringMatching(/^running\.sql:3: write: it is for the replica, and there is none/),
  ]);
  expect(await said({ operations, replica: true })).toEqual([
    'running.sql:3: write: a replica can only be read: take "replica" away from the operation',
  ]);
});

test('a file that is not there is named with its key', async () => {
  const settings = { operationsFile: null, nextOperationsFile: join(folder, 'gone.sql') };
  const { dialect } = findEngine('mysql');
  await expect(refuseUnreadableWorkload({ settings, dialect, replica: false })).rejects.toThrow(
    /cannot read the operations file ".*gone\.sql": correct load\.nextOperations/,
  );
});
