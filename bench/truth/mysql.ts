/** Rows of bench/truth/mysql.json: fields and their meaning are those of the design's section on the truth files. */
import { decodeName } from '../../src/engines/mysql/views/file-names.ts';
import type { StatementEffects } from '../../src/recording/recording.ts';
import type { Fields, TruthForm, TruthRow, TruthServer } from './form.ts';

/** The database in which the rows of the file were measured: they name InnoDB's tables with it. */
const DATABASE = 'tr';

/** What the grammar has no place for was not asked when the rows were measured; then the file says so in words. */
const NOT_KNOWN = /^not probed/;

/** A file may have InnoDB's own spelling of odd names. */
const NAMES = new Set(['rebuilds_table', 'row_versions']);

function withPlainNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((name) => (typeof name === 'string' ? decodeName(name) : name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, versions]) => [decodeName(name), versions]));
}

export const mysqlForm: TruthForm = {
  engine: 'mysql',
  prepare: async () => undefined,
  afterSetup: [],
  expected(row, server) {
    const measured = measuredOn(row, server);
    if (measured === null) return null;
    const known = Object.entries(measured).filter(
      ([, value]) => value !== null && !(typeof value === 'string' && NOT_KNOWN.test(value)),
    );
    return Object.fromEntries(
      known.map(([field, value]) => [field, NAMES.has(field) ? withPlainNames(value) : value]),
    );
  },
  measured({ rewrites, blocks, waitsFor, details }) {
    if (details.kind !== 'metadata locks') throw new Error(`these are no metadata locks: ${details.kind}`);
    const named = (name: string) => `${DATABASE}/${name}`;
    return {
      algorithm: details.algorithms,
      lock_accepted: details.acceptedLocks,
      default_algorithm: details.algorithm,
      // The file compares TABLE_IDs by name alone.
      rebuilds_table: [...rewrites, ...details.exchanged].map(named),
      new_index_ids: details.newIndexes,
      row_versions: Object.fromEntries(
        Object.entries(details.rowVersions).map(([name, versions]) => [named(name), versions]),
      ),
      affected_rows: details.affectedRows,
      blocks_reads_during: isKeptOut(blocks.reads, rewrites),
      blocks_writes_during: isKeptOut(blocks.writes, rewrites),
      exclusive_mdl_needed: details.exclusiveNeeded,
      waits_for_idle_open_reader_trx: heldByReader(waitsFor),
      first_pending_mdl: details.firstPending,
      mdl_modes: details.modes,
      innodb_alter_stages: details.stages
        .filter((stage) => stage.startsWith('innodb/'))
        .map((stage) => stage.slice('innodb/'.length)),
    };
  },
  isLowerBound: (field, _row, { flavor }) =>
    flavor === 'mariadb' && (field === 'mdl_modes' || field === 'first_pending_mdl'),
};

/** The file names servers with their patch release: "mysql-9.7.4"; what it says holds for the series. */
function measuredOn(row: TruthRow, { flavor, version }: TruthServer): Fields | null {
  const series = /^\d+\.\d+/.exec(version)?.[0];
  const measured = row.measured;
  if (series === undefined || typeof measured !== 'object' || measured === null) return null;
  const found = Object.entries(measured).find(
    ([server]) => server === `${flavor}-${series}` || server.startsWith(`${flavor}-${series}.`),
  );
  return found === undefined ? null : (found[1] as Fields);
}

/**
 * Of the table that the statement rewrites, where it rewrites one: the file does not count the parent of a new foreign key,
 * which MariaDB 11.8 closes to writers while it copies the child online.
 */
function isKeptOut(relations: StatementEffects['blocks']['reads'], rewrites: readonly string[]): unknown {
  if ('notMeasured' in relations) return relations;
  const tables = rewrites.map((name) => name.replace(/#p#.*$/i, ''));
  return relations.some((name) => tables.length === 0 || tables.includes(name));
}

function heldByReader(waitsFor: StatementEffects['waitsFor']): unknown {
  return waitsFor === null || 'notMeasured' in waitsFor ? waitsFor : waitsFor.idleReader;
}
