import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pickServerUser, requireReachable } from './server-user.ts';

const root = 'root:x:0:0:root:/root:/bin/bash';
const nobody = 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin';

test('the user postgres runs the server where there is one', () => {
  const accounts = [root, nobody, 'postgres:x:101:104::/var/lib/postgresql:/bin/bash'].join('\n');
  expect(pickServerUser(accounts)).toEqual({ name: 'postgres', uid: 101, gid: 104 });
});

test('else nobody does, even when the machine names no one', () => {
  expect(pickServerUser([root, nobody].join('\n'))).toEqual({ name: 'nobody', uid: 65_534, gid: 65_534 });
  expect(pickServerUser('')).toEqual({ name: 'nobody', uid: 65_534, gid: 65_534 });
});

test('a user called postgres that is root in disguise is not taken', () => {
  expect(pickServerUser(['postgres:x:0:0::/:/bin/sh', nobody].join('\n')).name).toBe('nobody');
});

test('a folder that is closed to the user is named', async () => {
  const closed = await mkdtemp(join(tmpdir(), 'rehearse-closed-'));
  try {
    const stranger = {
      name: 'stranger',
      uid: (await stat(closed)).uid + 1,
      gid: (await stat(closed)).gid + 1,
    };
    await expect(requireReachable(stranger, closed, 'Open it.')).rejects.toThrow(
      `"${closed}" is closed to others. Open it.`,
    );
    await expect(requireReachable(null, closed, 'Open it.')).resolves.toBeUndefined();
  } finally {
    await rm(closed, { recursive: true });
  }
});
