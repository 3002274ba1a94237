import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { harnessVersion } from '../version.ts';
import { chooseSnapshot } from './choose.ts';
import { writeManifest } from './manifest.ts';
import { markUse, takeLock } from './owners.ts';
import { whyNotKept } from './policy.ts';
import {
  type Entry,
  findSnapshot,
  listSnapshots,
  pruneOrder,
  removeSnapshot,
  removeUnfinished,
} from './store.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rehearse-store-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const GONE = { owner: { pid: 2 ** 22 + 1, startedAt: '0', hostname: 'gone', bootId: null } };

async function make(name: string, key = name): Promise<string> {
  const folder = join(directory, name);
  await mkdir(join(folder, 'data'), { recursive: true });
  await writeFile(join(folder, 'data', 'rows'), 'rows');
  const parts = { engine: '', server: '', settings: '', data: '', files: '', migrations: '', harness: '' };
  const facts = { key, parts, madeAt: '2026-01-02T03:04:05.000Z', scenario: 'small', keptBy: 'run' } as const;
  const data = { kind: 'directory', path: 'data' } as const;
  await writeManifest(
    folder,
    { ...facts, data, bytes: 4, fillMs: 1, settings: {}, filling: [] },
    { randomSeed: 1, tables: [] },
  );
  return folder;
}

test('a folder that is whole but has not got its name is no snapshot, and goes away with its dead owner', async () => {
  await make('.making-aa-1-x', 'aa');
  const { hostname } = await import('node:os');
  const dead = JSON.stringify({ owner: { ...GONE.owner, hostname: hostname(), bootId: 'another' } });
  await writeFile(join(directory, '.making-aa-1-x', 'owner.json'), dead);
  expect(await listSnapshots(directory)).toEqual([]);
  expect(await findSnapshot(directory, 'aa')).toBeNull();
  expect(await removeUnfinished(directory)).toEqual(['unfinished snapshot .making-aa-1-x']);
  expect(await readdir(directory)).toEqual([]);
});

test('a folder without a manifest, or with that of another key, is listed with its reason and never used', async () => {
  await mkdir(join(directory, 'bb', 'data'), { recursive: true });
  await make('cc', 'dd');
  const listed = await listSnapshots(directory);
  expect(new Map(listed.map(({ key, unusable }) => [key, unusable]))).toEqual(
    new Map([
      ['bb', 'its manifest cannot be read (ENOENT)'],
      ['cc', 'its manifest says that it is "dd"'],
    ]),
  );
  expect([await findSnapshot(directory, 'bb'), await findSnapshot(directory, 'cc')]).toEqual([null, null]);
  for (const key of ['bb', 'cc']) await removeSnapshot(directory, key);
  expect(await readdir(directory)).toEqual([]);
});

test('nobody removes what is being copied, and nobody copies what is being removed', async () => {
  await make('ee');
  {
    await using _copying = await markUse(directory, 'ee');
    await expect(removeSnapshot(directory, 'ee')).rejects.toThrow(UsageError);
  }
  const lock = await takeLock(directory, 'ee');
  if ('heldBy' in lock) throw new Error('the lock was free');
  const waiting = new AbortController();
  const said: string[] = [];
  const say = (message: string) => {
    said.push(message);
    waiting.abort(new Error('it waits'));
  };
  await expect(chooseSnapshot({ directory, key: 'ee', say, signal: waiting.signal })).rejects.toThrow(
    'it waits',
  );
  expect(said).toEqual([`process ${process.pid} is filling the same rows: waiting for its snapshot`]);
  await lock.release();
  await using choice = await chooseSnapshot({
    directory,
    key: 'ee',
    say,
    signal: AbortSignal.timeout(10_000),
  });
  expect(choice).toMatchObject({ kind: 'fork', snapshot: { key: 'ee' } });
});

test('the lock of a dead process is broken', async () => {
  const { hostname } = await import('node:os');
  const owner = { ...GONE.owner, hostname: hostname(), bootId: 'another' };
  await writeFile(join(directory, 'ff.lock'), JSON.stringify({ owner }));
  const lock = await takeLock(directory, 'ff');
  expect('heldBy' in lock).toBe(false);
  expect(await takeLock(directory, 'ff')).toMatchObject({ heldBy: { pid: process.pid } });
});

test('pruning takes what cannot be used, then what was used longest ago', () => {
  const entry = (key: string, day: number, bytes: number, unusable: string | null = null): Entry => {
    const lastUsedAt = new Date(Date.UTC(2026, 0, day));
    const manifest = { harnessVersion: harnessVersion(), bytes } as never;
    return {
      key,
      unusable,
      snapshot: { key, folder: '', manifest, data: { kind: 'volume', name: '' }, lastUsedAt },
    };
  };
  const entries = [
    entry('new', 9, 10),
    entry('old', 1, 10),
    entry('other', 8, 10, 'made by another'),
    entry('mid', 5, 10),
  ];
  const order = (keepBytes: number) => pruneOrder(entries, keepBytes).map(({ key }) => key);
  expect(order(30)).toEqual(['other']);
  expect(order(20)).toEqual(['other', 'old']);
  expect(order(0)).toEqual(['other', 'old', 'mid', 'new']);
});

test('a run keeps what took long, fits the disk and is no job of CI; seed keeps whatever fits', () => {
  const facts = { keptBy: 'run', fillMs: 60_000, bytes: 2 ** 30, freeBytes: 2 ** 33, inCi: false } as const;
  expect(whyNotKept(facts)).toBeNull();
  expect(whyNotKept({ ...facts, fillMs: 3_000 })).toContain('less than 10 s');
  expect(whyNotKept({ ...facts, inCi: true })).toContain('CI');
  expect(whyNotKept({ ...facts, freeBytes: 1.5 * 2 ** 30 })).toContain('half of the free disk');
  expect(whyNotKept({ ...facts, bytes: 2 ** 35, freeBytes: 2 ** 40 })).toContain('20.0 GiB');
  expect(
    whyNotKept({ ...facts, keptBy: 'seed', fillMs: 1, bytes: 2 ** 35, freeBytes: 2 ** 40, inCi: true }),
  ).toBeNull();
  expect(whyNotKept({ ...facts, keptBy: 'seed', bytes: 2 ** 35 })).toContain('of disk are free');
});
