/**
 * A rehearsal on a restored dump, through the programs of this machine: the ledger inside the dump decides what is pending,
 * and neither Ctrl-C nor kill -9 in the middle of the restore leaves anything behind.
 */
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { startedUntil } from './running.ts';
import { createSandbox, type Files, scenarioWith } from './sandbox.ts';
import { runInterrupted } from './troubles.ts';

const psql = await execa('psql', ['--version'], { reject: false });
const missing = psql.failed ? 'psql is not installed' : null;
if (missing !== null && process.env.REHEARSE_REQUIRE_CONTAINERS !== undefined) throw new Error(missing);

const rows = Array.from({ length: 400 }, (_, index) => `${index + 1}\t${1 + (index % 50)}\t${index}\n`).join(
  '',
);
const people = Array.from({ length: 50 }, (_, index) => `${index + 1}\tperson ${index + 1}\n`).join('');

/** As pg_dump writes it. */
const dump = (more = '') => `--
-- PostgreSQL database dump
--

\\restrict abc

SET statement_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.customers (id bigint NOT NULL, name text NOT NULL);
ALTER TABLE public.customers OWNER TO nobody_here;
CREATE TABLE public.orders (id bigint NOT NULL, customer_id bigint NOT NULL, total integer NOT NULL);
CREATE TABLE public.schema_migrations (version character varying NOT NULL);
COPY public.customers (id, name) FROM stdin;
${people}\\.

COPY public.orders (id, customer_id, total) FROM stdin;
${rows}\\.

COPY public.schema_migrations (version) FROM stdin;
20240101000000
\\.

${more}
ALTER TABLE ONLY public.customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);
ALTER TABLE ONLY public.schema_migrations ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);
GRANT SELECT ON TABLE public.orders TO nobody_here;
CREATE POLICY everything ON public.orders TO "Reader 1" USING (true);

--
-- PostgreSQL database dump complete
--

\\unrestrict abc
`;

const project: Files = {
  'production.sql': dump(),
  'db/migrations/20240101000000_orders.sql':
    '-- migrate:up\ncreate table orders (id bigint primary key);\n-- migrate:down\n',
  'db/migrations/20240201000000_note.sql':
    '-- migrate:up\nalter table orders add column note text;\ngrant select on orders to nobody_here, "Reader 1";\n-- migrate:down\n',
  'rehearsal.yaml': scenarioWith({
    database: { engine: undefined, provision: 'embedded' },
    data: {
      schema: undefined,
      tables: undefined,
      restore: 'production.sql',
      mask: { customers: { name: { faker: 'person.fullName' } } },
    },
    migrations: { tool: 'dbmate', directory: 'db/migrations' },
  }),
};

test.skipIf(missing !== null)(
  'the dump is restored, masked and migrated from where its ledger stands',
  async () => {
    await using sandbox = await createSandbox(project);
    const { stdout, stderr, exitCode, pid } = await finished(sandbox.start(['run', '--report', 'json=-']));
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/the engine is postgres, because the dump is SQL text/);
    const { recording } = JSON.parse(stdout);
    expect(recording.migrations).toMatchObject({ applied: ['20240101000000'], pending: ['20240201000000'] });
    expect(recording.filling).toMatchObject([
      { table: 'customers', rows: 50, generated: false },
      { table: 'orders', rows: 400, generated: false },
    ]);
    const inserted = recording.load.operations.map(({ name }: { readonly name: string }) => name);
    expect(inserted).toContain('insert_orders');
    expect(recording.notes.join('\n')).toMatch(
      /left out of the dump: owners[\s\S]*left out of the dump: privileges[\s\S]*those of the dump production\.sql.*masked: customers\.name/,
    );
    expect(await sandbox.leftBehind(pid)).toEqual([]);
  },
);

async function finished(command: ReturnType<Awaited<ReturnType<typeof createSandbox>>['start']>) {
  const { pid } = command;
  return { ...(await command), pid };
}

const asleep: Files = { ...project, 'production.sql': dump('SELECT pg_sleep(600);') };

test.skipIf(missing !== null)('SIGINT while the dump is restored', async () => {
  await runInterrupted(asleep, {
    phase: 'fill',
    moment: 'while the dump is restored',
    files: {},
    after: /^ {2}fill +restoring with/m,
    signal: 'SIGINT',
  });
});

test.skipIf(missing !== null)(
  'killed while the dump is restored: rehearse doctor removes what was left',
  async () => {
    await using sandbox = await createSandbox(asleep);
    const command = await startedUntil(sandbox, ['run'], /^ {2}fill +restoring with/m);
    command.kill('SIGKILL');
    await command.ended;
    expect(await sandbox.leftBehind(command.pid)).not.toEqual([]);
    const { exitCode } = await sandbox.start(['doctor']);
    expect(exitCode).toBe(0);
    expect(await sandbox.leftBehind(command.pid)).toEqual([]);
  },
);
