/** Rows of bench/truth/postgres.json: fields and their meaning are those of the design's section on the truth files. */
import type { StatementEffects } from '../../src/recording/recording.ts';
import type { TruthForm, TruthRow } from './form.ts';

const COMPARED = [
  'transactional',
  'lock_modes',
  'lock_modes_all',
  'new_relfilenode',
  'rewrites_table',
  'scans_table',
  'rebuilds_index',
  'index_oid_changes_file_reused',
  'blocks_reads',
  'blocks_select_for_update',
  'blocks_writes',
  'waits_for',
];

export const postgresForm: TruthForm = {
  engine: 'postgres',
  // A row may move its table there. In place: the folder lies inside the data directory, also of a container.
  async prepare(administrator) {
    await administrator.execute('set allow_in_place_tablespaces = on');
    await administrator.execute("create tablespace rehearse_ts location ''");
  },
  // Plans are those of tables with statistics: a foreign key's check reads a table of one page from end to end.
  afterSetup: ['analyze'],
  copyDatabase: (database, copy) => `create database ${copy} template ${database}`,
  expected(row, { version }) {
    const major = Number.parseInt(version, 10);
    if (major < boundOf(row, 'since', 0) || major > boundOf(row, 'until', Infinity)) return null;
    return Object.fromEntries(
      COMPARED.filter((field) => isKnown(row, field)).map((field) => [field, row[field]]),
    );
  },
  isLowerBound: (field, row) => field === 'lock_modes_all' && isSampled(row),
  measured({ transactional, rewrites, blocks, waitsFor, details }) {
    if (details.kind !== 'relation locks') throw new Error(`these are no locks of Postgres: ${details.kind}`);
    return {
      transactional,
      lock_modes: Object.fromEntries(
        details.locks.map(({ relation, modes }) => [relation, spelled(modes[0] ?? '')]),
      ),
      lock_modes_all: Object.fromEntries(
        details.locks.map(({ relation, modes }) => [relation, modes.map(spelled)]),
      ),
      new_relfilenode: details.newFiles,
      rewrites_table: rewrites,
      scans_table: details.scans,
      rebuilds_index: details.rebuiltIndexes,
      index_oid_changes_file_reused: details.reusedIndexFiles,
      blocks_reads: blocks.reads,
      blocks_select_for_update: blocks.selectsForUpdate,
      blocks_writes: blocks.writes,
      waits_for: waitsForOf(waitsFor),
    };
  },
};

/** The file sampled these modes every millisecond, and says so; one that is held for less may be missing. */
function isSampled({ verified }: TruthRow): boolean {
  return (
    typeof verified === 'object' &&
    verified !== null &&
    'how' in verified &&
    String(verified.how).includes('sampled')
  );
}

/**
 * Of statements that run outside a transaction the file does not know which indexes were rebuilt: it has an empty list
 * for VACUUM FULL and REINDEX CONCURRENTLY too, beside their new files.
 */
function isKnown(row: TruthRow, field: string): boolean {
  const value = row[field];
  if (value === undefined) return false;
  return !(field === 'rebuilds_index' && row.transactional === false && isEmpty(value));
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function boundOf(row: TruthRow, field: 'since' | 'until', otherwise: number): number {
  const value = row[field];
  return value === null || value === undefined ? otherwise : Number(value);
}

/** "AccessExclusiveLock" as the file has it: "ACCESS EXCLUSIVE". */
function spelled(mode: string): string {
  return mode
    .replace(/Lock$/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase();
}

function waitsForOf(waitsFor: StatementEffects['waitsFor']): unknown {
  if (waitsFor === null || 'notMeasured' in waitsFor) return waitsFor;
  return {
    idle_rc_reader: waitsFor.idleReader,
    rr_snapshot_other_table: waitsFor.snapshotElsewhere,
    idle_writer: waitsFor.idleWriter,
  };
}
