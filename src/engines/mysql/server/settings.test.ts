import { expect, test } from 'vitest';
import { optionFile, settingsOf } from './settings.ts';

test('the rehearsal keeps every promise that production keeps, and the filling does not', () => {
  expect(settingsOf('rehearsal', {})).toMatchObject({
    log_bin: 'binlog',
    sync_binlog: '1',
    innodb_flush_log_at_trx_commit: '1',
    innodb_doublewrite: 'ON',
    performance_schema: 'ON',
  });
  expect(settingsOf('rehearsal', {})).not.toHaveProperty('skip_log_bin');
  expect(settingsOf('filling', {})).toMatchObject({
    skip_log_bin: 'ON',
    innodb_flush_log_at_trx_commit: '0',
  });
});

test('what the user writes wins in both profiles, however it is spelled', () => {
  for (const profile of ['filling', 'rehearsal'] as const) {
    const settings = settingsOf(profile, {
      'Innodb-Doublewrite': 'DETECT_ONLY',
      innodb_redo_log_capacity: '3G',
    });
    expect(settings).toMatchObject({ innodb_doublewrite: 'DETECT_ONLY', innodb_redo_log_capacity: '3G' });
    expect(settings).not.toHaveProperty('loose_innodb_redo_log_capacity');
  }
  expect(settingsOf('filling', { log_bin: 'mine' })).not.toHaveProperty('skip_log_bin');
  // A collation of another character set would keep the server from starting.
  expect(settingsOf('filling', { collation_server: 'latin1_bin' })).not.toHaveProperty(
    'character_set_server',
  );
});

test.each([
  [{ port: '1' }, /the provisioner chooses it/],
  [{ 'lower-case-table-names': '1' }, /fixed when the data directory is made/],
  [{ 'bad name': '1' }, /"bad name" is no name/],
  [{ sql_mode: 'a\nb' }, /several lines/],
])('%o is refused', (wanted, reason) => {
  expect(() => settingsOf('rehearsal', wanted)).toThrow(reason);
});

test('an option file has a line for each value of an option that is given several times', () => {
  const file = optionFile({ performance_schema_instrument: 'a/%=ON; b=OFF', init_connect: "set @a = '\\n'" });
  expect(file).toBe(
    '[mysqld]\nperformance_schema_instrument = "a/%=ON"\nperformance_schema_instrument = "b=OFF"\n' +
      'init_connect = "set @a = \'\\\\n\'"\n',
  );
});
