/** Small projects as they are found in the wild, one for each migration tool: path below the project -> text. */
import { PROJECT as DBMATE } from './package-project.ts';

type Files = Readonly<Record<string, string>>;

export interface Project {
  readonly files: Files;
  readonly tool: string;
  readonly directory: string;
  /** As the scenario must name it; null where the schema file tells. */
  readonly released: string | null;
  readonly pending: string;
}

const CUSTOMERS = 'create table customers (id bigserial primary key, email text not null unique);\n';
const ORDERS = `create table orders (
  id bigserial primary key,
  customer_id bigint not null references customers (id),
  status text not null default 'open'
);
create index orders_customer on orders (customer_id);
`;
const NOTE = 'alter table orders add column note text;\n';

const DRIZZLE_JOURNAL = {
  version: '7',
  dialect: 'postgresql',
  entries: ['0000_customers', '0001_orders', '0002_note'].map((tag, idx) => ({
    idx,
    version: '7',
    when: 1_767_225_600_000 + idx * 86_400_000,
    tag,
    breakpoints: true,
  })),
};

export const PROJECTS: Readonly<Record<string, Project>> = {
  dbmate: {
    files: DBMATE,
    tool: 'dbmate',
    directory: 'db/migrations',
    released: null,
    pending: '20260301000000_tax_rate.sql',
  },
  'dbmate without a dump': {
    files: Object.fromEntries(Object.entries(DBMATE).filter(([path]) => path !== 'db/schema.sql')),
    tool: 'dbmate',
    directory: 'db/migrations',
    released: '20260115000000',
    pending: '20260301000000_tax_rate.sql',
  },
  'dbmate whose dump holds the pending migration too': {
    files: {
      ...DBMATE,
      'db/schema.sql': (DBMATE['db/schema.sql'] ?? '').replace(
        "('20260115000000')",
        "('20260115000000'),\n    ('20260301000000')",
      ),
    },
    tool: 'dbmate',
    directory: 'db/migrations',
    released: '20260115000000',
    pending: '20260301000000_tax_rate.sql',
  },
  'golang-migrate': {
    files: {
      'go.mod': 'module example.com/shop\n',
      'migrations/000001_customers.up.sql': CUSTOMERS,
      'migrations/000001_customers.down.sql': 'drop table customers;\n',
      'migrations/000002_orders.up.sql': ORDERS,
      'migrations/000002_orders.down.sql': 'drop table orders;\n',
      'migrations/000003_note.up.sql': NOTE,
      'migrations/000003_note.down.sql': 'alter table orders drop column note;\n',
    },
    tool: 'golang-migrate',
    directory: 'migrations',
    released: '2',
    pending: '000003_note.up.sql',
  },
  'flyway in nested folders with a repeatable script': {
    files: {
      'pom.xml': '<project/>\n',
      'src/main/resources/db/migration/2025/V1__customers.sql': CUSTOMERS,
      'src/main/resources/db/migration/2025/V2__orders.sql': ORDERS,
      'src/main/resources/db/migration/2026/V2.1__note.sql': NOTE,
      'src/main/resources/db/migration/R__open_orders.sql':
        "create or replace view open_orders as select id, customer_id from orders where status = 'open';\n",
    },
    tool: 'flyway',
    directory: 'src/main/resources/db/migration',
    released: '2',
    pending: '2026/V2.1__note.sql, R__open_orders.sql',
  },
  prisma: {
    files: {
      'package.json': '{ "name": "shop", "private": true }\n',
      'prisma/schema.prisma':
        'datasource db {\n  provider = "postgresql"\n  url      = env("DATABASE_URL")\n}\n\nmodel Order {\n  id BigInt @id\n}\n',
      'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
      'prisma/migrations/20260101000000_customers/migration.sql':
        '-- CreateTable\nCREATE TABLE "Customer" (\n    "id" SERIAL NOT NULL,\n    "email" TEXT NOT NULL,\n\n    CONSTRAINT "Customer_pkey" PRIMARY KEY ("id")\n);\n',
      'prisma/migrations/20260102000000_orders/migration.sql':
        '-- CreateTable\nCREATE TABLE "Order" (\n    "id" SERIAL NOT NULL,\n    "customerId" INTEGER NOT NULL,\n\n    CONSTRAINT "Order_pkey" PRIMARY KEY ("id")\n);\n\n-- AddForeignKey\nALTER TABLE "Order" ADD CONSTRAINT "Order_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;\n',
      'prisma/migrations/20260301000000_note/migration.sql':
        '-- AlterTable\nALTER TABLE "Order" ADD COLUMN     "note" TEXT;\n',
    },
    tool: 'prisma',
    directory: 'prisma/migrations',
    released: '20260102000000_orders',
    pending: '20260301000000_note/migration.sql',
  },
  drizzle: {
    files: {
      'package.json': '{ "name": "shop", "private": true }\n',
      'drizzle.config.ts': "export default { dialect: 'postgresql', out: './drizzle' };\n",
      'drizzle/meta/_journal.json': JSON.stringify(DRIZZLE_JOURNAL),
      'drizzle/0000_customers.sql': CUSTOMERS,
      'drizzle/0001_orders.sql': ORDERS.replace(';\n', ';\n--> statement-breakpoint\n'),
      'drizzle/0002_note.sql': NOTE,
    },
    tool: 'drizzle',
    directory: 'drizzle',
    released: '0001_orders',
    pending: '0002_note.sql',
  },
  'plain files beside a schema': {
    files: { 'schema.sql': CUSTOMERS + ORDERS, 'migrations/1_note.sql': NOTE },
    tool: 'sql',
    directory: 'migrations',
    released: null,
    pending: '1_note.sql',
  },
};
