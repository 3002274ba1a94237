/**
 * A copy, whose files are in the data directory, and a build in place, whose sort files are not: those are deleted as soon
 * as they are made, so that `du` does not see them, and are held against the free space of their file system.
 */
import type { Session } from '../../src/engines/engine.ts';

export const STATEMENTS = [
  {
    name: 'a copying ALTER',
    text: 'alter table probe modify number bigint not null, algorithm = copy, lock = shared',
  },
  {
    name: 'ADD INDEX',
    text: 'alter table probe add index probe_filler (filler, number), algorithm = inplace',
    hidden: true,
  },
] as const;

export async function fillProbe(session: Session, rows: number): Promise<void> {
  await session.execute(
    'create table probe (id bigint primary key, number int not null, filler varchar(700) character set latin1 not null, rest varchar(300) character set latin1 not null)',
  );
  await session.execute(
    "insert into probe values (0, 0, concat(sha2('0', 256), repeat('x', 600)), repeat('y', 250))",
  );
  for (let made = 1; made < rows; made *= 2)
    await session.execute(
      `insert into probe
      select id + ${made}, id + ${made}, concat(sha2(id + ${made}, 256), repeat('x', 600)), rest
      from probe
      where id < ${rows - made}`,
    );
  await session.execute('analyze table probe');
}
