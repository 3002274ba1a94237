/**
 * Rebuilds secondary indexes with the free space that production's have: keys that came in no order leave pages about 70 %
 * full, an index that is built from sorted rows is full. How full such a build leaves them is `innodb_fill_factor`:
 * https://dev.mysql.com/doc/refman/8.4/en/sorted-index-builds.html
 *
 * The clustered index stays as the rows in its order left it: a rebuild of the whole table would give it other extents.
 */
import { type Session, type SizesToFit, SqlError, type TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { type Part, partsOf } from './deferred.ts';

const { quote, quoteName } = dialect;

/** Nearer than this needs no rebuilding. */
const NEAR = 0.02;
/** A file grows by extents of this many bytes: smaller differences are theirs. */
const EXTENT_BYTES = 1_048_576;
/** https://dev.mysql.com/doc/refman/8.4/en/innodb-parameters.html#sysvar_innodb_fill_factor */
const LEAST_FILL = 10;
const MOST_FILL = 100;
/** Extents do not follow the fill factor: the next one is corrected by what the last one gave. */
const ROUNDS = 3;
const NEW_NAME = 'rehearse_fitted';
/** ER_SPECIFIC_ACCESS_DENIED_ERROR: only a superuser sets the fill factor, which is global. */
const DENIED = '1227';

/** The secondary indexes of the table alone; true when one was rebuilt. The global setting is put back. */
export async function fitSizes(session: Session, { table, indexes }: SizesToFit): Promise<boolean> {
  const before = await readSizes(session, table);
  const misfits = indexes.filter(({ name, bytes }) => isAway(before.get(name), bytes));
  if (misfits.length === 0) return false;
  const parts = (await partsOf(session, table)).filter(
    ({ kind, name }) => (kind === 'index' || kind === 'unique') && before.has(name),
  );
  const [setting] = await session.query<{ fill: number | string }>(
    'select @@global.innodb_fill_factor as fill',
  );
  try {
    // From the first misfit on all of them, so that their order in the table stays.
    const first = parts.findIndex(({ name }) => misfits.some((each) => each.name === name));
    if (first < 0) return false;
    for (const part of parts.slice(first)) {
      const wanted = indexes.find(({ name }) => name === part.name)?.bytes ?? before.get(part.name) ?? 0;
      await fitOne(session, { table, part, wanted });
    }
    return true;
  } catch (error) {
    if (error instanceof SqlError && error.code === DENIED) return false;
    throw error;
  } finally {
    await session
      .execute(`set global innodb_fill_factor = ${Number(setting?.fill ?? MOST_FILL)}`)
      .catch((error: unknown) => {
        if (!(error instanceof SqlError) || error.code !== DENIED) throw error;
      });
  }
}

interface Fitted {
  readonly table: TableDescription;
  readonly part: Part;
  readonly wanted: number;
}

async function fitOne(session: Session, { table, part, wanted }: Fitted): Promise<void> {
  let fill = MOST_FILL;
  let tried = 0;
  for (let round = 0; round < ROUNDS && fill !== tried; round += 1) {
    await rebuild(session, { table, part, fill });
    const now = (await readSizes(session, table)).get(part.name);
    if (now === undefined || !isAway(now, wanted)) return;
    tried = fill;
    fill = Math.round(Math.min(MOST_FILL, Math.max(LEAST_FILL, (fill * now) / wanted)));
  }
}

interface Rebuilt {
  readonly table: TableDescription;
  readonly part: Part;
  readonly fill: number;
}

/** The new one is there before the old one goes, which a foreign key may rest on. */
async function rebuild(session: Session, { table, part, fill }: Rebuilt): Promise<void> {
  const name = quoteName(table.parts);
  const made = part.definition.replace(quote(part.name), () => quote(NEW_NAME));
  await session.execute(`set global innodb_fill_factor = ${fill}`);
  await session.execute(`alter table ${name} add ${made}`);
  await session.execute(`alter table ${name} drop index ${quote(part.name)}`);
  await session.execute(`alter table ${name} rename index ${quote(NEW_NAME)} to ${quote(part.name)}`);
}

function isAway(bytes: number | undefined, wanted: number): boolean {
  return bytes !== undefined && Math.abs(bytes - wanted) > Math.max(EXTENT_BYTES, wanted * NEAR);
}

/** https://dev.mysql.com/doc/refman/8.4/en/innodb-persistent-stats.html; those of partitions belong to no figure of the whole. */
const SIZES = `
  select index_name as name, stat_value * @@innodb_page_size as bytes
  from mysql.innodb_index_stats
  where database_name = ? and table_name = ? and stat_name = 'size'`;

async function readSizes(
  session: Session,
  { parts }: TableDescription,
): Promise<ReadonlyMap<string, number>> {
  await session.query(`analyze local table ${quoteName(parts)}`);
  const rows = await session.query<{ name: string; bytes: number | string }>(SIZES, parts);
  return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]));
}
