/** What the rows of flyway_schema_history mean for a directory's migrations (MigrationInfoImpl.getState). */
import { compareVersions } from './flyway-names.ts';
import type { LedgerReading, LedgerRow, Migration } from './tool.ts';
import { noteMissingFiles } from './tool.ts';

export function interpretHistory(
  rows: readonly LedgerRow[],
  migrations: readonly Migration[],
): LedgerReading {
  const history = rows.map(rowOf);
  const versioned = migrations.filter(
    ({ ledgerKey, version }) => ledgerKey !== '' && !version.startsWith('B'),
  );
  const held = history.filter(({ version, success }) => version !== null && success);
  const newest =
    held
      .map(({ version }) => version ?? '')
      .toSorted(compareVersions)
      .at(-1) ?? null;
  const isHeld = (migration: Migration): boolean =>
    held.some(({ version }) => version !== null && compareVersions(version, migration.ledgerKey) === 0);
  const startFrom = history.length === 0 ? baselineScript(migrations) : null;
  const floor = startFrom?.ledgerKey ?? newest;
  const above = versioned.filter(({ ledgerKey }) => floor === null || compareVersions(ledgerKey, floor) > 0);
  const repeatable = migrations.filter(({ ledgerKey }) => ledgerKey === '');
  return {
    applied: held.map(
      ({ version }) => versioned.find((one) => sameVersion(one, version))?.version ?? version ?? '',
    ),
    pending: [
      ...(startFrom === null ? [] : [startFrom]),
      ...above,
      ...repeatable.filter((one) => changed(one, history)),
    ],
    dirty: dirtyOf(history),
    notes: [
      ...noteMissingFiles(
        held
          .filter(
            ({ type, version }) =>
              type !== 'BASELINE' && !migrations.some((one) => sameVersion(one, version)),
          )
          .map(({ version }) => version ?? ''),
      ),
      ...notesOnPassedOver(
        versioned.filter((one) => !above.includes(one) && !isHeld(one)),
        history,
        floor,
      ),
      ...notesOnChecksums(versioned, held),
    ],
  };
}

interface HistoryRow {
  readonly version: string | null;
  readonly description: string;
  readonly type: string;
  readonly checksum: string | null;
  readonly success: boolean;
}

function rowOf(row: LedgerRow): HistoryRow {
  return {
    version: row.version === null ? null : String(row.version),
    description: String(row.description),
    type: String(row.type),
    checksum: row.checksum === null ? null : String(row.checksum),
    success: Boolean(row.success),
  };
}

function sameVersion({ ledgerKey }: Migration, version: string | null): boolean {
  return ledgerKey !== '' && version !== null && compareVersions(ledgerKey, version) === 0;
}

/** The newest baseline script; it stands for everything up to its version where nothing has run yet. */
function baselineScript(migrations: readonly Migration[]): Migration | null {
  return migrations.findLast(({ version }) => version.startsWith('B')) ?? null;
}

/** The latest run of a repeatable counts, and only while its checksum is still the file's. */
function changed({ name, checksum }: Migration, history: readonly HistoryRow[]): boolean {
  const latest = history.findLast(({ version, description }) => version === null && description === name);
  return latest === undefined || latest.checksum !== checksum;
}

function dirtyOf(history: readonly HistoryRow[]): string | null {
  const failed = history.find(({ success }) => !success);
  if (failed === undefined) return null;
  return (
    `flyway_schema_history holds a failed migration (${failed.version ?? failed.description}). Repair the schema, ` +
    'then run "flyway repair".'
  );
}

function notesOnPassedOver(
  files: readonly Migration[],
  history: readonly HistoryRow[],
  floor: string | null,
): readonly string[] {
  const baseline = history.find(({ type }) => type === 'BASELINE')?.version ?? null;
  return files
    .filter(
      ({ ledgerKey }) =>
        history.length > 0 && (baseline === null || compareVersions(ledgerKey, baseline) > 0),
    )
    .map(
      ({ file }) =>
        `Flyway passes over ${file}: it is older than ${floor}, the newest applied version (outOfOrder is off), and ` +
        'its validate would refuse it',
    );
}

function notesOnChecksums(versioned: readonly Migration[], held: readonly HistoryRow[]): readonly string[] {
  return versioned
    .filter((migration) => {
      const row = held.find(({ version }) => sameVersion(migration, version));
      return row !== undefined && row.checksum !== null && row.checksum !== migration.checksum;
    })
    .map(
      ({ file }) =>
        `${file} was changed after it was applied (its checksum differs); Flyway's validate refuses that`,
    );
}
