/** Each statement makes the next one's table: the update leaves it twice as large, and the two after it make it small again. */
import type { Session } from '../../src/engines/engine.ts';

export const STATEMENTS = [
  { name: 'ALTER TYPE', text: 'alter table probe alter column number type bigint' },
  { name: 'CREATE INDEX', text: 'create index probe_filler on probe (filler, number)' },
  {
    name: 'CREATE INDEX CONCURRENTLY',
    text: 'create index concurrently probe_number on probe (number, filler)',
  },
  { name: 'UPDATE of every row', text: 'update probe set number = number + 1' },
  { name: 'VACUUM FULL', text: 'vacuum full probe' },
  { name: 'CLUSTER', text: 'cluster probe using probe_pkey' },
] as const;

export async function fillProbe(session: Session, rows: number): Promise<void> {
  await session.execute(
    'create table probe (id bigint primary key, number int not null, filler text not null)',
  );
  await session.execute(
    `insert into probe
    select i, i, md5(i::text) || repeat('x', 940) from generate_series(1, ${rows}) i`,
  );
  await session.execute('vacuum analyze probe');
  await session.execute('checkpoint');
}
