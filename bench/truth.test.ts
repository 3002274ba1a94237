import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { serverSpec } from '../tests/server.ts';
import { differences, readTruthRows, type TruthRow } from './truth/form.ts';
import { postgresForm } from './truth/postgres.ts';
import { replay } from './truth/replay.ts';

/** One of each sort; `npm run truth` replays all. */
const IDS = [
  'add_column_nullable',
  'add_column_volatile_default',
  'add_column_fk_nullable',
  'type_varchar_to_text',
  'type_int_to_bigint',
  'type_timestamp_to_timestamptz_nonutc',
  'type_referenced_pk_to_numeric',
  'set_not_null_with_valid_check',
  'validate_fk',
  'drop_fk',
  'add_unique_using_index',
  'create_index_partial',
  'reindex_index',
  'set_tablespace',
  'cluster',
  'analyze',
  'attach_partition_with_default',
  'partitioned_create_index',
  'refresh_matview',
  'truncate_referenced_cascade',
  'update_all',
  'delete_referenced_row',
  'create_index_concurrently',
  'detach_partition_concurrently',
  'vacuum_full',
];

const SETUP = ['create table t (id bigint primary key, a int)', 'create index t_a on t (a)'];

/** As a plain session and pg_locks showed them: a lock held for an instant alone, and a message that ends its transaction. */
const FURTHER: readonly TruthRow[] = [
  {
    id: 'create_index_concurrently_noop',
    engine: 'postgres',
    setup_sql: SETUP,
    session_sql: [],
    sql: 'create index concurrently if not exists t_a on t (a)',
    transactional: false,
    lock_modes: { t: 'SHARE UPDATE EXCLUSIVE' },
    blocks_reads: [],
    rewrites_table: [],
    waits_for: { idle_rc_reader: false, rr_snapshot_other_table: false, idle_writer: false },
  },
  {
    id: 'begin_and_commit',
    engine: 'postgres',
    setup_sql: SETUP,
    session_sql: ["set lock_timeout = '5s'"],
    sql: 'begin; alter table t alter column a type bigint; commit',
    transactional: false,
    lock_modes: { t: 'ACCESS EXCLUSIVE', t_a: 'ACCESS EXCLUSIVE', t_pkey: 'ACCESS EXCLUSIVE' },
    blocks_reads: ['t'],
    rewrites_table: ['t'],
  },
];

test('the probe measures of statements what real servers showed of them', { timeout: 120_000 }, async () => {
  const rows = await readTruthRows(fileURLToPath(new URL('truth/postgres.json', import.meta.url)));
  const chosen = [...rows.filter(({ id }) => IDS.includes(id)), ...FURTHER];
  const { outcomes } = await replay({
    spec: serverSpec('postgres:18'),
    form: postgresForm,
    rows: chosen,
    onOutcome: () => undefined,
    signal: AbortSignal.timeout(110_000),
  });
  const compared = outcomes.filter(({ how }) => how !== 'left out');
  expect(new Set(compared.map(({ row }) => row.id))).toEqual(
    new Set([...IDS, ...FURTHER.map(({ id }) => id)]),
  );
  expect(compared.filter((each) => each.how !== 'compared' || each.differing.length > 0)).toEqual([]);
});

test('what differs from a row is named', () => {
  const expected = { locks: { t: ['A', 'B'] }, scans: ['t'], unknown: null, waits: { reader: true } };
  expect(differences(expected, { locks: { t: ['B', 'A'] }, scans: ['t'], waits: { reader: true } })).toEqual(
    [],
  );
  expect(
    differences(expected, { locks: { t: ['A'] }, scans: [], unknown: ['t'], waits: { reader: false } }).map(
      ({ field }) => field,
    ),
  ).toEqual(['locks', 'scans', 'waits']);
  const more = { locks: { t: ['A', 'B', 'C'] }, scans: ['t'], waits: { reader: true } };
  expect(differences(expected, more).map(({ field }) => field)).toEqual(['locks']);
  expect(differences(expected, more, (field) => field === 'locks')).toEqual([]);
});
