/** Connections that fill tables of MySQL and MariaDB are killed for real; every row is there once all the same. */
import { expect } from 'vitest';
import type { CellValue, Session } from '../src/engines/engine.ts';
import { seedSynthetic } from '../src/seeders/index.ts';
import { type BareServer, sqlCode } from './server.ts';
import { dataPlan } from './tables.ts';

/** One call fills each of the first three alone, several streams the last one. */
const SCHEMA = `
  create table keyed (id int primary key, at datetime not null, pad varchar(4000) not null) charset latin1;
  create table keyless (n int not null, note varchar(30) not null, pad varchar(4000) not null) charset latin1;
  create table unsafe (n int not null, note varchar(30), pad varchar(4000) not null) engine = MyISAM charset latin1;
  create table shared (id bigint auto_increment primary key, n int not null, pad varchar(350) not null) charset latin1`;

/** Some 50 MB each, or 70: two statements of LOAD DATA, also in each stream. */
const ROWS = { keyed: 12_000, keyless: 12_000, unsafe: 12_000, shared: 200_000 } as const;
const TABLES = Object.keys(ROWS) as readonly (keyof typeof ROWS)[];
/** Shares of a table's rows after which a connection that fills it is killed. */
const KILLED_AT = [0.1, 0.4];

const DIGEST = (table: string, columns: string) =>
  `select count(*) as total, sum(crc32(concat_ws('|', ${columns}))) as digest from ${table}`;
const COLUMNS = { keyed: 'id, at', keyless: 'n, note', unsafe: 'n, note', shared: 'id, n' } as const;

export async function verifyBrokenLoads(server: BareServer): Promise<void> {
  await using whole = await server.session();
  await fill(server, whole, () => undefined);
  await using broken = await server.session();
  await using killer = await server.session();
  const killed = new Map<string, number>(TABLES.map((name) => [name, 0]));
  const kills: Promise<string | null>[] = [];
  await fill(server, broken, (table, share) => {
    const times = killed.get(table) ?? KILLED_AT.length;
    if (share < (KILLED_AT[times] ?? Number.POSITIVE_INFINITY)) return;
    killed.set(table, times + 1);
    kills.push(kill(killer, broken.target.database, table));
  });
  // A busy machine may have loaded the rest before the second one.
  expect(await Promise.all(kills)).toEqual(expect.arrayContaining([...TABLES]));
  for (const table of TABLES) {
    const digest = DIGEST(table, COLUMNS[table]);
    const [wanted, got] = [await whole.query(digest), await broken.query(digest)];
    expect([table, wanted]).toMatchObject([table, [{ total: ROWS[table] }]]);
    expect([table, got]).toEqual([table, wanted]);
  }
}

async function fill(
  { engine }: BareServer,
  session: Session,
  onShare: (table: string, share: number) => void,
): Promise<void> {
  await session.execute(SCHEMA);
  const pad = (length: number) => ({
    columns: { pad: { values: [{ value: 'x'.repeat(length), weight: 1 }] } },
  });
  const data = dataPlan(
    null,
    Object.fromEntries(
      TABLES.map((name) => [name, { rows: ROWS[name], ...pad(name === 'shared' ? 350 : 4000) }]),
    ),
  );
  const { target } = session;
  await seedSynthetic(
    {
      engine,
      target,
      administrator: target,
      tables: await engine.schema.describe(session),
      data,
      streams: 2,
      onProgress: ({ table, rows, ofRows }) => {
        if (table !== null) onShare(table, rows / ofRows);
      },
    },
    AbortSignal.timeout(120_000),
  );
}

const LOADING = `
  select id
  from information_schema.processlist
  where info like 'load data%' and info like ? and command <> 'Killed'
  limit 1`;

/** Between two statements nothing loads for a moment. */
const LOOKS = 500;

/** The table; null when nothing loads it any more. */
async function kill(session: Session, database: string, table: string): Promise<string | null> {
  for (let look = 0; look < LOOKS; look += 1) {
    const [row] = await session.query<{ id: number }>(LOADING, [`%\`${database}\`.\`${table}\`%`]);
    if (row === undefined) continue;
    // It may end by itself in that moment.
    if ((await sqlCode(session.execute(`kill ${row.id}`))) === null) return table;
  }
  return null;
}

/**
 * The answer to COMMIT is what was lost: the next call for the same rows finds them there, waits for the session that may
 * still commit, and goes on behind them.
 */
export async function verifyLostAnswer(server: BareServer, alone: boolean): Promise<void> {
  await using session = await server.session();
  await using old = await server.engine.connections.connect(session.target, { applicationName: 'old' });
  await session.execute('create table t (id int primary key, note varchar(20))');
  const [table] = await server.engine.schema.describe(session);
  if (table === undefined) throw new Error('no table');
  const rows = Array.from({ length: 1000 }, (_, row): readonly CellValue[] => [String(row), `row ${row}`]);
  const [uptime] = await session.query<{ Value: string }>("show global status like 'Uptime'");
  const broken = {
    confirmedRows: 0,
    heldLock: 'rehearse old session',
    serverStartedAt: Date.now() / 1000 - Number(uptime?.Value),
  };
  await old.query("select get_lock('rehearse old session', 0)");
  await old.execute('start transaction');
  for (const [id, note] of rows) await old.query('insert into t values (?, ?)', [id, note]);
  const loading = server.engine.filling.bulkLoad({
    target: session.target,
    table,
    columns: ['id', 'note'],
    rows,
    alone,
    broken,
    onProgress: () => undefined,
    signal: AbortSignal.timeout(60_000),
  });
  await old.execute("commit; do release_lock('rehearse old session')");
  expect(await loading).toBe(1000);
  expect(await session.query(DIGEST('t', 'id, note'))).toMatchObject([{ total: 1000 }]);
  const started = { ...broken, serverStartedAt: broken.serverStartedAt - 60 };
  const { target } = session;
  const again = server.engine.filling.bulkLoad({
    ...{ target, table, columns: ['id', 'note'], rows, alone, broken: started },
    onProgress: () => undefined,
    signal: AbortSignal.timeout(60_000),
  });
  await expect(again).rejects.toThrow(/cannot be known: the server was started again/);
}
