import { expect, test } from 'vitest';
import { blocks, type MetadataLock } from './metadata-conflicts.ts';

const granted = (mode: string, objectType = 'TABLE'): MetadataLock => ({ objectType, mode, granted: true });
const pending = (mode: string, objectType = 'TABLE'): MetadataLock => ({ objectType, mode, granted: false });

test('the convoy: a reader blocks the ALTER, the waiting ALTER blocks readers and writers, readers block no reader', () => {
  expect(blocks(granted('SHARED_READ'), pending('EXCLUSIVE'))).toBe(true);
  expect(blocks(pending('EXCLUSIVE'), pending('SHARED_READ'))).toBe(true);
  expect(blocks(pending('EXCLUSIVE'), pending('SHARED_WRITE'))).toBe(true);
  expect(blocks(granted('SHARED_READ'), pending('SHARED_READ'))).toBe(false);
  expect(blocks(granted('SHARED_UPGRADABLE'), pending('SHARED_READ'))).toBe(false);
  expect(blocks(pending('SHARED_READ'), pending('EXCLUSIVE'))).toBe(false);
});

test('a copying ALTER lets reads go on and holds up writes', () => {
  expect(blocks(granted('SHARED_NO_WRITE'), pending('SHARED_READ'))).toBe(false);
  expect(blocks(granted('SHARED_NO_WRITE'), pending('SHARED_WRITE'))).toBe(true);
  expect(blocks(granted('SHARED_UPGRADABLE'), pending('SHARED_UPGRADABLE'))).toBe(true);
});

const MODES = [
  'SHARED',
  'SHARED_HIGH_PRIO',
  'SHARED_READ',
  'SHARED_WRITE',
  'SHARED_WRITE_LOW_PRIO',
  'SHARED_UPGRADABLE',
  'SHARED_READ_ONLY',
  'SHARED_NO_WRITE',
  'SHARED_NO_READ_WRITE',
  'EXCLUSIVE',
];

test('granted locks conflict both ways, and what blocks while it waits blocks when it is granted (INV2 of mdl.cc)', () => {
  for (const one of MODES) {
    for (const other of MODES) {
      expect(blocks(granted(one), pending(other))).toBe(blocks(granted(other), pending(one)));
      if (blocks(pending(one), pending(other))) expect(blocks(granted(one), pending(other))).toBe(true);
    }
  }
});

test('FLUSH TABLES WITH READ LOCK holds up statements, which do not hold up each other', () => {
  expect(blocks(granted('SHARED', 'GLOBAL'), pending('INTENTION_EXCLUSIVE', 'GLOBAL'))).toBe(true);
  expect(blocks(granted('INTENTION_EXCLUSIVE', 'GLOBAL'), pending('INTENTION_EXCLUSIVE', 'GLOBAL'))).toBe(
    false,
  );
  expect(blocks(granted('BACKUP_FTWRL1', 'BACKUP'), pending('BACKUP_DDL', 'BACKUP'))).toBe(true);
  expect(blocks(granted('BACKUP_DML', 'BACKUP'), pending('BACKUP_DDL', 'BACKUP'))).toBe(false);
  // A backup that lets writes go on holds up no write, and one that waits goes before later statements.
  expect(blocks(granted('BACKUP_BLOCK_DDL', 'BACKUP'), pending('BACKUP_TRANS_DML', 'BACKUP'))).toBe(false);
  expect(blocks(granted('BACKUP_BLOCK_DDL', 'BACKUP'), pending('BACKUP_DDL', 'BACKUP'))).toBe(true);
  expect(blocks(pending('BACKUP_FTWRL1', 'BACKUP'), pending('BACKUP_TRANS_DML', 'BACKUP'))).toBe(true);
  expect(blocks(pending('BACKUP_FTWRL1', 'BACKUP'), pending('BACKUP_FTWRL1', 'BACKUP'))).toBe(false);
});

const BACKUP_MODES = [
  ...['START', 'FLUSH', 'WAIT_FLUSH', 'WAIT_DDL', 'WAIT_COMMIT', 'FTWRL1', 'FTWRL2', 'DML', 'TRANS_DML'],
  ...['SYS_DML', 'DDL', 'BLOCK_DDL', 'ALTER_COPY', 'COMMIT'],
].map((mode) => `BACKUP_${mode}`);

test('of the kinds of backups and statements too, what blocks while it waits blocks when it is granted', () => {
  for (const one of BACKUP_MODES)
    for (const other of BACKUP_MODES)
      if (blocks(pending(one, 'BACKUP'), pending(other, 'BACKUP')))
        expect(blocks(granted(one, 'BACKUP'), pending(other, 'BACKUP'))).toBe(true);
});
