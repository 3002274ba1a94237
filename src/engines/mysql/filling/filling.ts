/** Fills tables. The rows themselves are in bulk-load.ts, what is taken away while filling in deferred.ts. */
import { UsageError } from '../../../errors.ts';
import {
  type Filling,
  type ForeignKey,
  type Session,
  SqlError,
  type TableDescription,
} from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { dialect } from '../text/dialect.ts';
import { bulkLoad } from './bulk-load.ts';
import { collectStatistics } from './column-statistics.ts';
import { prepare } from './deferred.ts';
import { fitSizes } from './index-fill.ts';
import { settle } from './settle.ts';

/** Ranges of the rows, which come in the order of the primary key: pieces in turn would split its pages. */
const cutting = { fromStreams: 2, pieceRows: null };

export const filling: Filling = {
  cutting,
  prepare,
  bulkLoad,
  advanceCounters,
  settle,
  sizes,
  fitSizes,
  collectStatistics,
};

const { quote, quoteName } = dialect;

/**
 * AUTO_INCREMENT follows the largest row by itself. What is left to do is to look whether every row has its parent,
 * because the foreign keys came back without that (see deferred.ts).
 */
async function advanceCounters(session: Session, tables: readonly TableDescription[]): Promise<void> {
  for (const table of tables)
    for (const key of table.foreignKeys) {
      const orphan = await findOrphan(session, orphans(table, key, tables));
      if (!orphan) continue;
      throw new UsageError(
        `the generated rows break a constraint of the schema: "${table.name}" has rows without a parent in ` +
          `"${key.references}" (${key.name}: ${key.columns.join(', ')}). Say what its columns hold under ` +
          `data.tables.${table.name}.columns in the scenario.`,
      );
    }
}

/** https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html#error_er_cant_aggregate_2collations */
const COLLATIONS_DIFFER = '1267';

/** A foreign key may lead between two collations, which a comparison may not: then the bytes are compared. */
async function findOrphan(session: Session, query: (compared: string) => string): Promise<boolean> {
  try {
    return (await session.query(query(''))).length > 0;
  } catch (error) {
    if (!(error instanceof SqlError) || error.code !== COLLATIONS_DIFFER) throw error;
    return (await session.query(query('binary '))).length > 0;
  }
}

function orphans(
  table: TableDescription,
  key: ForeignKey,
  tables: readonly TableDescription[],
): (compared: string) => string {
  const [database = ''] = table.parts;
  // A name with a dot is a table of this database, or says another one.
  const known = tables.find(({ name }) => name === key.references)?.parts;
  const elsewhere = key.references.includes('.') ? key.references.split('.') : [database, key.references];
  const referenced = known ?? elsewhere;
  const given = key.columns.map((column) => `c.${quote(column)} is not null`);
  return (compared) => {
    const pairs = key.columns.map(
      (column, index) =>
        `${compared}p.${quote(key.referencedColumns[index] ?? '')} = ${compared}c.${quote(column)}`,
    );
    return `
      select 1 as orphan
      from ${quoteName(table.parts)} c
      where ${given.join(' and ')}
        and not exists (select 1 from ${quoteName(referenced)} p where ${pairs.join(' and ')})
      limit 1`;
  };
}

/** Pages of the clustered index and of the others, as ANALYZE has just counted them. */
const SIZES = `
  select table_name as name, coalesce(data_length, 0) + coalesce(index_length, 0) as bytes
  from information_schema.tables
  where table_schema = database()`;

async function sizes(
  session: Session,
  tables: readonly TableDescription[],
): Promise<ReadonlyMap<string, number>> {
  const { flavor } = await serverKind(session);
  // MySQL keeps these figures for a day.
  if (flavor === 'mysql') await session.execute('set session information_schema_stats_expiry = 0');
  for (const table of tables) await session.query(`analyze local table ${quoteName(table.parts)}`);
  const wanted = new Set(tables.map((table) => table.name));
  const rows = await session.query<{ name: string; bytes: number | string }>(SIZES);
  return new Map(rows.filter(({ name }) => wanted.has(name)).map(({ name, bytes }) => [name, Number(bytes)]));
}
