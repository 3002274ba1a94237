/**
 * The load on restored data draws its parameters from a sample of live keys that the snapshot keeps: two rehearsals, one on
 * a restored dump and one on a fork of it, meet the same instants, operations and parameters.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Recording } from '../src/recording/recording.ts';
import { containersMissing } from './containers.ts';
import { createSandbox, type Sandbox, SMALL_PROJECT, SMALL_SCHEMA, scenarioWith } from './sandbox.ts';

const insertsOf = (table: string, row: (id: number) => string, count: number): string =>
  `insert into ${table} values ${Array.from({ length: count }, (_, index) => `(${row(index + 1)})`).join(',')};\n`;
const ROWS =
  insertsOf('customers', (id) => `${id * 3}, 'person ${id}'`, 50) +
  insertsOf('orders', (id) => `${id * 7}, ${3 * (1 + (id % 50))}, ${id}`, 400);

const SERVERS = [
  {
    name: 'postgres',
    image: null,
    head: '--\n-- PostgreSQL database dump\n--\n\n',
    tail: '--\n-- PostgreSQL database dump complete\n--\n',
    database: { engine: 'postgres', provision: 'embedded' },
  },
  {
    name: 'mysql:9.7',
    image: 'mysql:9.7',
    head: '-- MySQL dump 10.13  Distrib 9.7.0, for Linux (x86_64)\n--\n-- Server version\t9.7.0\n\n',
    tail: '-- Dump completed on 2026-01-01  0:00:00\n',
    database: { engine: 'mysql', version: '9.7', provision: 'container' },
  },
] as const;

async function hashOf(sandbox: Sandbox, ...args: readonly string[]) {
  const env = { REHEARSE_SNAPSHOTS: join(sandbox.project, 'kept') };
  const { stdout, stderr } = await sandbox.start(['run', ...args, '--report', 'json=-'], env);
  expect(stdout, stderr).toContain('"recording"');
  const { ended, load, servers } = (JSON.parse(stdout) as { recording: Recording }).recording;
  expect(ended).toEqual({ how: 'completed' });
  if (load === null || 'notMeasured' in load) throw new Error('there was no load');
  return { hash: load.arrivalsHash, data: servers[0]?.data };
}

test.each(SERVERS)(
  '$name: a fork of a restored dump meets the arrivals that the dump met',
  async (server) => {
    const missing = server.image === null ? null : await containersMissing(server.image);
    if (missing !== null) throw new Error(missing);
    await using sandbox = await createSandbox({
      'production.sql': `${server.head}${SMALL_SCHEMA}${ROWS}${server.tail}`,
      'migrations/1_note.sql': SMALL_PROJECT['migrations/1_note.sql'] ?? '',
      'rehearsal.yaml': scenarioWith({
        database: server.database,
        data: { schema: undefined, tables: undefined, restore: 'production.sql' },
      }),
    });
    const env = { REHEARSE_SNAPSHOTS: join(sandbox.project, 'kept') };
    const restored = await hashOf(sandbox, '--fresh');
    expect(restored.data).toEqual({ origin: 'filled' });

    const seeded = await sandbox.start(['seed'], env);
    expect(seeded.exitCode, seeded.stderr).toBe(0);
    const forked = await hashOf(sandbox);
    expect(forked).toMatchObject({ hash: restored.hash, data: { origin: 'snapshot' } });

    // What the fork took is what the next one draws from.
    const [key = ''] = await readdir(env.REHEARSE_SNAPSHOTS);
    const folder = join(env.REHEARSE_SNAPSHOTS, key, 'samples');
    const files = (await readdir(folder)).map((name) => join(folder, name));
    const samples = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8'))));
    expect(samples).toContainEqual(
      expect.objectContaining({
        table: expect.stringMatching(/orders$/),
        column: 'id',
        keys: Array.from({ length: 400 }, (_, index) => String((index + 1) * 7)),
      }),
    );
    for (const [index, file] of files.entries())
      await writeFile(file, JSON.stringify({ ...samples[index], keys: samples[index].keys.slice(0, 5) }));
    expect((await hashOf(sandbox)).hash).not.toBe(restored.hash);
    // The volume of a container's snapshot does not go with the folder.
    const removed = await sandbox.start(['snapshots', 'prune', '--keep', '0'], env);
    expect(removed.stdout).toContain(`removed: ${key}`);
  },
);
