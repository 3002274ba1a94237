/**
 * Rebuilds indexes with the free space that production's have. A B-tree that grows in random order is about 70 % full, one
 * that is built from sorted rows 90 %: https://www.postgresql.org/docs/current/btree.html#BTREE-STRUCTURE
 */
import type { Session, SizesToFit, TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

/** Nearer than this needs no rebuilding. */
const NEAR = 0.02;
/** Pages of a B-tree before and besides its leaves: smaller differences are theirs. */
const LEAST_BYTES = 16_384;
/** What `fillfactor` of a B-tree may be: https://www.postgresql.org/docs/current/sql-createindex.html */
const LEAST_FILL = 10;
const MOST_FILL = 100;
const USUAL_FILL = 90;
/** Inner pages and the last leaf do not follow the fill factor: the second one is corrected by what the first one gave. */
const ROUNDS = 3;

interface FoundIndex {
  readonly name: string;
  readonly bytes: number;
  /** Null when the index has none of its own. */
  readonly fillfactor: number | null;
}

/** B-trees of a table; those of partitions belong to no figure of the whole. */
const INDEX = `
  select
    format('%I.%I', n.nspname, x.relname) as name,
    pg_relation_size(x.oid)::float8 as bytes,
    (select o.option_value::int from pg_options_to_table(x.reloptions) o where o.option_name = 'fillfactor') as fillfactor
  from pg_index i
    join pg_class x on x.oid = i.indexrelid and x.relkind = 'i'
    join pg_am m on m.oid = x.relam and m.amname = 'btree'
    join pg_namespace n on n.oid = x.relnamespace
  where i.indrelid = $1::regclass and x.relname = $2`;

/** Leaves the fill factors as they were; true when an index was rebuilt. */
export async function fitSizes(session: Session, { table, indexes }: SizesToFit): Promise<boolean> {
  let rebuilt = false;
  for (const { name, bytes } of indexes)
    rebuilt = (await fitIndex(session, { table, index: name, bytes })) || rebuilt;
  return rebuilt;
}

interface IndexToFit {
  readonly table: TableDescription;
  readonly index: string;
  readonly bytes: number;
}

async function fitIndex(session: Session, { table, index, bytes }: IndexToFit): Promise<boolean> {
  const read = async () => {
    const [found] = await session.query<FoundIndex>(INDEX, [dialect.quoteName(table.parts), index]);
    return found;
  };
  const first = await read();
  if (first === undefined) return false;
  const { name, fillfactor } = first;
  let fill = fillfactor ?? USUAL_FILL;
  let now = first.bytes;
  let rebuilt = false;
  for (let round = 0; round < ROUNDS; round += 1) {
    const away = bytes - now;
    if (Math.abs(away) <= Math.max(LEAST_BYTES, bytes * NEAR)) break;
    const wanted = Math.round(Math.min(MOST_FILL, Math.max(LEAST_FILL, (fill * now) / bytes)));
    if (wanted === fill) break;
    fill = wanted;
    await session.execute(`alter index ${name} set (fillfactor = ${fill})`);
    await session.execute(`reindex index ${name}`);
    rebuilt = true;
    now = (await read())?.bytes ?? now;
  }
  if (rebuilt)
    await session.execute(
      fillfactor === null
        ? `alter index ${name} reset (fillfactor)`
        : `alter index ${name} set (fillfactor = ${fillfactor})`,
    );
  return rebuilt;
}
