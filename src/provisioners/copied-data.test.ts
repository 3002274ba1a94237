import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EnvironmentError } from '../errors.ts';
import { copyDataDirectory } from './copied-data.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehearse-copied-'));
});
afterAll(() => rm(folder, { recursive: true }));

const signal = AbortSignal.timeout(60_000);
const TEBIBYTE = 2 ** 40;

test('a copy has every file, and tells its bytes', async () => {
  const from = join(folder, 'small');
  await mkdir(join(from, 'base'), { recursive: true });
  await writeFile(join(from, 'base', '1'), 'rows');
  const copied = await copyDataDirectory(from, join(folder, 'copy'), signal);
  expect(copied.bytes).toBe(4);
  expect(await readFile(join(folder, 'copy', 'base', '1'), 'utf8')).toBe('rows');
});

test('what is larger than the free disk is refused with both figures before a byte is copied', async () => {
  const from = join(folder, 'large');
  await mkdir(from);
  await writeFile(join(from, '1'), 'rows');
  // A hole, which takes no room itself.
  await truncate(join(from, '1'), 8 * TEBIBYTE);
  const to = join(folder, 'nowhere');
  const copied = await copyDataDirectory(from, to, signal).catch((error: unknown) => error);
  // Where the file system clones there is room for it.
  if (!(copied instanceof Error)) return expect(copied).toMatchObject({ method: 'clone' });
  expect(copied).toBeInstanceOf(EnvironmentError);
  expect(copied.message).toMatch(/it has 8388608 MiB, and \d+ MiB are free for ".*nowhere"/);
  expect(await readdir(to)).toEqual([]);
});
