import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { serverMissing, serverSpec } from '../../tests/server.ts';
import { readTruthRows } from './form.ts';
import { mysqlForm } from './mysql.ts';
import { replay } from './replay.ts';

/** One of each sort; `npm run truth` replays all, on MariaDB too. */
const IDS = [
  'add_index',
  'add_index_on_expression',
  'swap_primary_key',
  'add_column_last',
  'drop_column_indexed',
  'type_int_to_bigint',
  'add_fk_checks_on',
  'drop_fk',
  'add_virtual_column',
  'part_add_hash',
  'part_truncate',
  'create_trigger',
  'create_view',
  'create_table_fk',
  'lock_tables_write',
  'add_fk_unchecked',
  'rename_in_alter_with_column',
  'rename_swap',
  'call_of_a_procedure',
];

const spec = serverSpec('mysql:9.7');
const missing = await serverMissing(spec);

describe.skipIf(missing !== null)(missing ?? spec.name, () => {
  test('the probe measures of statements what real servers showed of them', {
    timeout: 180_000,
  }, async () => {
    const rows = await readTruthRows(fileURLToPath(new URL('mysql.json', import.meta.url)));
    const { outcomes } = await replay({
      spec,
      form: mysqlForm,
      rows: rows.filter(({ id }) => IDS.includes(id)),
      onOutcome: () => undefined,
      signal: AbortSignal.timeout(170_000),
    });
    expect(new Set(outcomes.map(({ row }) => row.id))).toEqual(new Set(IDS));
    expect(outcomes.filter((each) => each.how !== 'compared' || each.differing.length > 0)).toEqual([]);
  });
});
