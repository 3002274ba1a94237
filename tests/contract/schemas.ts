/** A schema that every engine takes as it is written, and what the contract fills it with. */
import type { CellValue, Engine, Session, TableDescription } from '../../src/engines/engine.ts';

export const SHOP: readonly string[] = [
  `create table customers (
    id bigint primary key,
    email varchar(120) not null unique,
    name varchar(60) default 'nobody',
    credit decimal(10,2) not null,
    born date,
    constraint credit_not_negative check (credit >= 0)
  )`,
  'create table regions (country char(2) not null, code varchar(10) not null, primary key (country, code))',
  `create table orders (
    id bigint primary key,
    customer_id bigint not null,
    country char(2),
    region varchar(10),
    quantity int not null,
    doubled int generated always as (quantity * 2) stored,
    note varchar(200),
    constraint orders_customer foreign key (customer_id) references customers (id),
    constraint orders_region foreign key (country, region) references regions (country, code)
  )`,
  'create index orders_by_customer on orders (customer_id, quantity)',
  'create index orders_by_region on orders (country, region)',
];

export async function createShop(session: Session): Promise<void> {
  for (const statement of SHOP) await session.execute(statement);
}

/** Rows of a table by its columns. */
export interface ShopRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly CellValue[])[];
}

/** Parents come first, so that it can be put in with the foreign keys in place. */
export function shopRows(count: number): readonly ShopRows[] {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return [
    {
      table: 'customers',
      columns: ['id', 'email', 'credit', 'born'],
      rows: numbers.map((n) => [
        String(n),
        `c${n}@example.com`,
        `${n}.50`,
        n % 2 === 0 ? null : '2001-02-03',
      ]),
    },
    {
      table: 'regions',
      columns: ['country', 'code'],
      rows: [
        ['de', 'by'],
        ['at', 'w'],
      ],
    },
    {
      table: 'orders',
      columns: ['id', 'customer_id', 'country', 'region', 'quantity', 'note'],
      rows: numbers.map((n) => [
        String(n),
        String(n),
        n % 3 === 0 ? null : 'de',
        n % 3 === 0 ? null : 'by',
        '7',
        `n${n}`,
      ]),
    },
  ];
}

export async function describeTable(
  engine: Engine,
  session: Session,
  name: string,
): Promise<TableDescription> {
  const found = (await engine.schema.describe(session)).find((table) => table.name === name);
  if (found === undefined) throw new Error(`the engine describes no table "${name}"`);
  return found;
}

/** Loads rows as the seeder does; returns their number. */
export async function load(
  engine: Engine,
  session: Session,
  { table, columns, rows }: Omit<ShopRows, 'rows'> & { readonly rows: Iterable<readonly CellValue[]> },
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<number> {
  return engine.filling.bulkLoad({
    target: session.target,
    table: await describeTable(engine, session, table),
    columns,
    rows,
    alone: false,
    onProgress: () => undefined,
    signal,
  });
}
