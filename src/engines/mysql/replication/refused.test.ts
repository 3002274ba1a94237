import { expect, test } from 'vitest';
import { replication as postgres } from '../../postgres/replication/replication.ts';
import { replication } from './replication.ts';

test('settings with which there is no replica are known before anything is started', () => {
  expect(replication.refused({ innodb_buffer_pool_size: '1G', log_bin: 'mine' })).toEqual([]);
  expect(replication.refused({ 'skip-log-bin': 'ON' })).toEqual(['skip-log-bin = ON']);
  expect(replication.refused({ skip_log_bin: 'OFF' })).toEqual([]);
  expect(postgres.refused({ wal_level: 'minimal', max_wal_senders: '0', work_mem: '0' })).toEqual([
    'wal_level = minimal',
    'max_wal_senders = 0',
  ]);
  expect(postgres.refused({ wal_level: 'logical', hot_standby: 'on' })).toEqual([]);
});
