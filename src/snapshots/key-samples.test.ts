import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keySamplesIn } from './key-samples.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rehearse-samples-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function samples(folder = directory) {
  const troubles: string[] = [];
  return { troubles, of: keySamplesIn(folder, (message) => troubles.push(message)) };
}

test('the sample that was taken first is everybody’s, also of those who took one at the same time', async () => {
  const taken = await Promise.all(
    Array.from({ length: 8 }, (_, index) => samples().of.take('orders', 'id', async () => [`${index}`])),
  );
  expect(new Set(taken.map((keys) => keys.join())).size).toBe(1);
  const later = await samples().of.take('orders', 'id', () => Promise.reject(new Error('taken again')));
  expect(later).toEqual(taken[0]);
  expect(await samples().of.take('orders', 'customer_id', async () => ['a'])).toEqual(['a']);
  expect(await readdir(join(directory, 'samples'))).toHaveLength(2);
});

test('a snapshot that went away meanwhile stays away, and the sample serves all the same', async () => {
  const gone = samples(join(directory, 'gone'));
  expect(await gone.of.take('orders', 'id', async () => ['1'])).toEqual(['1']);
  expect(gone.troubles).toEqual([expect.stringContaining('orders.id was not kept with the snapshot')]);
  expect(await readdir(directory)).toEqual([]);
});

test('what cannot be read is not used', async () => {
  await mkdir(join(directory, 'samples'));
  await samples().of.take('orders', 'id', async () => ['1']);
  const [name = ''] = await readdir(join(directory, 'samples'));
  await writeFile(join(directory, 'samples', name), '{"keys": [1');
  expect(await samples().of.take('orders', 'id', async () => ['2'])).toEqual(['2']);
});
