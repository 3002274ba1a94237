import { expect, test } from 'vitest';
import { UsageError } from '../../../errors.ts';
import { settingsOf } from './settings.ts';

test('the rehearsal profile is as safe as production', () => {
  expect(settingsOf('rehearsal', {})).toMatchObject({
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    wal_level: 'replica',
    autovacuum: 'on',
  });
});

test('the filling profile is fast', () => {
  expect(settingsOf('filling', {})).toMatchObject({
    fsync: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
  });
});

test('the wanted settings win in both profiles, however they are spelled', () => {
  for (const profile of ['filling', 'rehearsal'] as const) {
    expect(settingsOf(profile, { FSYNC: 'on', max_wal_size: '7GB' })).toMatchObject({
      fsync: 'on',
      max_wal_size: '7GB',
    });
  }
});

test('a wanted setting that a minimal log contradicts takes the minimal log away', () => {
  for (const wanted of [{ max_wal_senders: '5' }, { wal_level: 'logical' }, { archive_mode: 'on' }]) {
    const settings = settingsOf('filling', wanted);
    expect(settings).toMatchObject(wanted);
    expect(settings.wal_level).not.toBe('minimal');
  }
});

test.each(['port', 'Listen_Addresses', 'synchronous_standby_names', 'work mem', 'work_mem; drop table t'])(
  'the setting "%s" is refused by name',
  (name) => {
    expect(() => settingsOf('rehearsal', { [name]: 'x' })).toThrow(UsageError);
    expect(() => settingsOf('rehearsal', { [name]: 'x' })).toThrow(name.toLowerCase());
  },
);
