import { expect, test } from 'vitest';
import { isRuntimeSetting as isMysqlRuntime } from '../engines/mysql/server/runtime-settings.ts';
import { isRuntimeSetting } from '../engines/postgres/server/runtime-settings.ts';
import type { DataPlan } from '../scenario/plan.ts';
import { dataPart, type KeyParts, keyOf, settingsPart } from './key.ts';

const parts: KeyParts = {
  engine: 'postgres postgres',
  server: 'embedded Postgres 18.4 linux x64',
  settings: '{}',
  data: '{}',
  files: '{}',
  migrations: '{}',
  harness: 'rehearse 0.1.0',
};

const data: DataPlan = {
  schemaFile: '/project/schema.sql',
  restore: null,
  profileFile: null,
  scale: 1,
  age: { updateShare: 0.05, deleteShare: 0.01 },
  rows: null,
  tables: { orders: { rows: 10, columns: {} }, customers: { rows: 5, columns: {} } },
  randomSeed: 42,
};

test('each part of the key changes it', () => {
  const keys = Object.keys(parts).map((name) => keyOf({ ...parts, [name]: 'something else' }));
  expect(new Set([keyOf(parts), ...keys]).size).toBe(Object.keys(parts).length + 1);
  expect(keyOf({ ...parts })).toBe(keyOf(parts));
  expect(keyOf(parts)).toMatch(/^[0-9a-f]{20}$/);
});

const changes: readonly Partial<DataPlan>[] = [
  { scale: 0.5 },
  { age: null },
  { age: { updateShare: 0.05, deleteShare: 0.02 } },
  { rows: 11 },
  { randomSeed: 43 },
  { tables: { ...data.tables, orders: { rows: 11, columns: {} } } },
  { restore: { file: '/project/dump', clientDirectory: null, mask: {} } },
  { profileFile: '/project/profile.json' },
];

test.each(changes)('data: %j is other data', (change) => {
  expect(dataPart({ ...data, ...change })).not.toBe(dataPart(data));
});

test('where the files are and in which order the tables are named is no matter', () => {
  expect(dataPart({ ...data, schemaFile: '/elsewhere/schema.sql' })).toBe(dataPart(data));
  const reversed = Object.fromEntries(Object.entries(data.tables).toReversed());
  expect(dataPart({ ...data, tables: reversed })).toBe(dataPart(data));
});

test('settings that only decide how a server runs are no part of it, the others are', () => {
  const none = settingsPart({}, isRuntimeSetting);
  for (const name of ['shared_buffers', 'work_mem', 'max_wal_size', 'autovacuum_naptime', 'LOCK_TIMEOUT'])
    expect([name, settingsPart({ [name]: '1' }, isRuntimeSetting)]).toEqual([name, none]);
  for (const name of [
    'default_toast_compression',
    'TimeZone',
    'wal_log_hints',
    'some.extension',
    'search_path',
  ])
    expect([name, settingsPart({ [name]: '1' }, isRuntimeSetting)]).not.toEqual([name, none]);
  for (const name of ['innodb_buffer_pool_size', 'innodb-lock-wait-timeout', 'loose_innodb_io_capacity'])
    expect([name, isMysqlRuntime(name)]).toEqual([name, true]);
  for (const name of ['sql_mode', 'innodb_file_per_table', 'collation_server', 'innodb_default_row_format'])
    expect([name, isMysqlRuntime(name)]).toEqual([name, false]);
});
