/**
 * Rebuilds indexes with the free space that production's have. A B-tree that grows in random order is about 70 % full, one
 * that is built from sorted rows 90 %: https://www.postgresql.org/docs/current/btree.html#BTREE-STRUCTURE
 */
import type { Session, SizesToFit } from '../../engine.ts';
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

/** The B-tree of a table, or those of its partitions that together are the index of the whole. */
const INDEXES = `
  with recursive parts (oid) as (
    select i.indexrelid
    from pg_index i
      join pg_class x on x.oid = i.indexrelid
    where i.indrelid = $1::regclass and x.relname = $2
    union all
    select h.inhrelid
    from parts p
      join pg_inherits h on h.inhparent = p.oid
  )
  select
    format('%I.%I', n.nspname, x.relname) as name,
    pg_relation_size(x.oid)::float8 as bytes,
    (select o.option_value::int from pg_options_to_table(x.reloptions) o where o.option_name = 'fillfactor') as fillfactor
  from parts p
    join pg_class x on x.oid = p.oid and x.relkind = 'i'
    join pg_am m on m.oid = x.relam and m.amname = 'btree'
    join pg_namespace n on n.oid = x.relnamespace`;

const BYTES = 'select pg_relation_size($1::regclass)::float8 as bytes';

/** Leaves the fill factors as they were; true when an index was rebuilt. Of partitions each keeps its share of the bytes. */
export async function fitSizes(session: Session, { table, indexes }: SizesToFit): Promise<boolean> {
  let rebuilt = false;
  for (const { name, bytes } of indexes) {
    const found = await session.query<FoundIndex>(INDEXES, [dialect.quoteName(table.parts), name]);
    const now = found.reduce((sum, part) => sum + part.bytes, 0);
    for (const part of found)
      rebuilt = (await fitIndex(session, part, (bytes * part.bytes) / Math.max(1, now))) || rebuilt;
  }
  return rebuilt;
}

async function fitIndex(session: Session, index: FoundIndex, bytes: number): Promise<boolean> {
  const { name, fillfactor } = index;
  let fill = fillfactor ?? USUAL_FILL;
  let now = index.bytes;
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
    now = (await session.query<Pick<FoundIndex, 'bytes'>>(BYTES, [name]))[0]?.bytes ?? now;
  }
  if (rebuilt)
    await session.execute(
      fillfactor === null
        ? `alter index ${name} reset (fillfactor)`
        : `alter index ${name} set (fillfactor = ${fillfactor})`,
    );
  return rebuilt;
}
