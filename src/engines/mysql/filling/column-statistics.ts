/**
 * Statistics of columns that production has and a newly filled server has not: nobody but ANALYZE with these words makes
 * them. https://dev.mysql.com/doc/refman/8.4/en/analyze-table.html#analyze-table-histogram-statistics-analysis and
 * https://mariadb.com/kb/en/engine-independent-table-statistics/
 */
import type { ColumnProfile, TableProfile } from '../../../profile/profile.ts';
import type { Session, TableDescription } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { dialect } from '../text/dialect.ts';

/** Types that have none, of MySQL and of MariaDB. */
const NONE = {
  mysql: /^(?:json|geom|point|line|polygon|multi)/,
  mariadb: /(?:text|blob|json)$|^(?:geom|point|line|polygon|multi)/,
} as const;

/** The server's own number, and the largest one. */
const USUAL_BUCKETS = 100;
const MOST_BUCKETS = 1024;

/** Of the columns that production has them of. */
export async function collectStatistics(
  session: Session,
  table: TableDescription,
  profile: TableProfile,
): Promise<void> {
  const { flavor } = await serverKind(session);
  const wanted = profile.columns.filter((column) => {
    const type = table.columns.find(({ name }) => name === column.name)?.type;
    return (
      type !== undefined && !NONE[flavor].test(type.base) && type.kind !== 'json' && isTold(column, profile)
    );
  });
  if (wanted.length === 0) return;
  const name = dialect.quoteName(table.parts);
  const columns = wanted.map((column) => dialect.quote(column.name)).join(', ');
  const buckets = Math.min(
    MOST_BUCKETS,
    wanted.reduce((most, { frequencies }) => Math.max(most, frequencies.length), USUAL_BUCKETS),
  );
  await session.query(
    flavor === 'mysql'
      ? `analyze local table ${name} update histogram on ${columns} with ${buckets} buckets`
      : `analyze local table ${name} persistent for columns (${columns}) indexes ()`,
  );
}

/** By a histogram; what is known of an index alone needs none. */
function isTold(
  { name, frequencies, nullFraction, distinct }: ColumnProfile,
  { indexes }: TableProfile,
): boolean {
  if (frequencies.length > 0 || nullFraction > 0) return true;
  return distinct !== null && !indexes.some(({ columns }) => columns[0] === name);
}
