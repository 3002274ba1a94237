import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../../tests/server.ts';
import { planRests, WALK_EVERY_MS, watchFileSystems } from './free-space.ts';

const TMPFS = 0x01021994;
const EXT4 = 0xef53;
const XFS = 0x58465342;

/** Each a folder of a file system of its own, where there is one. */
let folders: string[];
beforeAll(async () => {
  folders = [];
  for (const root of [tmpdir(), '/dev/shm']) {
    const found = await statfs(root).catch(() => null);
    if (found !== null && [TMPFS, EXT4, XFS].includes(found.type))
      folders.push(await mkdtemp(join(root, 'rehearse-free-')));
  }
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

test('a file that grows by a block shows at once, in each of the file systems; nothing shows while none does', async ({
  skip,
}) => {
  if (folders.length === 0) skip('no ext4, XFS or tmpfs here');
  const systems = watchFileSystems(() => folders);
  expect(systems.mayHaveChanged()).toBe(true);
  for (const [count, folder] of folders.entries()) {
    // Others write to the same disk.
    await eventually('a moment in which nobody writes', () => (systems.mayHaveChanged() ? null : true));
    await writeFile(join(folder, `${count}`), new Uint8Array(1_000_000));
    expect(systems.mayHaveChanged()).toBe(true);
  }
});

test('where free blocks are not known to be told at once, and where there is nothing, something may have changed', () => {
  for (const unknown of [
    ['/proc'],
    [],
    [join(tmpdir(), 'rehearse-that-is-not-there')],
    [...folders, '/proc'],
  ]) {
    const systems = watchFileSystems(() => unknown);
    expect([systems.mayHaveChanged(), systems.mayHaveChanged()]).toEqual([true, true]);
  }
});

test('walks are left out once every file was looked at since the last change, and never for longer than half a second', () => {
  const rests = planRests();
  const may = (changed: boolean, nowMs: number): boolean => rests.may({ changed, turns: 3, nowMs });
  expect(may(true, 0)).toBe(false);
  for (const atMs of [0, 50]) rests.walked(atMs);
  expect(may(false, 100)).toBe(false);
  rests.walked(100);
  expect([may(false, 150), may(false, 100 + WALK_EVERY_MS - 1)]).toEqual([true, true]);
  expect(may(false, 100 + WALK_EVERY_MS)).toBe(false);
  rests.walked(100 + WALK_EVERY_MS);
  expect(may(false, 150 + WALK_EVERY_MS)).toBe(true);
  expect([may(true, 200 + WALK_EVERY_MS), may(false, 250 + WALK_EVERY_MS)]).toEqual([false, false]);
});
