import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LocateRequest } from '../../engine.ts';
import { locateServer, matches, whyMissing } from './binaries.ts';

/** A folder with programs that only say who they are. */
async function folderWith(programs: Readonly<Record<string, string>>) {
  const path = await mkdtemp(join(tmpdir(), 'rehearse-binaries-'));
  for (const [name, says] of Object.entries(programs)) {
    await writeFile(join(path, name), `#!/bin/sh\necho '${says}'\n`);
    await chmod(join(path, name), 0o755);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const MYSQL = 'mysqld  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)';
const MARIADB = 'mariadbd  Ver 11.8.6-MariaDB for Linux on x86_64 (mariadb.org binary distribution)';

function request(flavor: string, version: string | null, binary: string): LocateRequest {
  const signal = AbortSignal.timeout(30_000);
  return { flavor, version, binary, cacheDirectory: tmpdir(), say: () => undefined, signal };
}

test('a server of the user says itself what it is', async () => {
  await using mysql = await folderWith({ mysqld: MYSQL });
  expect(await locateServer(request('mysql', '9.7', mysql.path))).toMatchObject({
    flavor: 'mysql',
    version: '9.7.4',
  });
  await using mariadb = await folderWith({ mariadbd: MARIADB, 'mariadb-install-db': '' });
  expect(await locateServer(request('mariadb', null, mariadb.path))).toMatchObject({
    flavor: 'mariadb',
    version: '11.8.6',
    initialiseArguments: [join(mariadb.path, 'mariadb-install-db')],
  });
});

test('a server of another flavor or version than said is refused', async () => {
  await using mysql = await folderWith({ mysqld: MYSQL });
  await expect(locateServer(request('mariadb', null, mysql.path))).rejects.toThrow(
    /holds mysql 9\.7\.4, but database\.engine says "mariadb"/,
  );
  await expect(locateServer(request('mysql', '8.4', mysql.path))).rejects.toThrow(
    /holds mysql 9\.7\.4, but database\.version says "8\.4"/,
  );
});

test('a folder without a whole server says what is missing', async () => {
  await using empty = await folderWith({});
  await expect(locateServer(request('mysql', null, empty.path))).rejects.toThrow(/holds no server/);
  await using half = await folderWith({ mariadbd: MARIADB });
  await expect(locateServer(request('mariadb', null, half.path))).rejects.toThrow(
    /without mariadb-install-db/,
  );
});

test('a MariaDB that is not installed cannot be had, and says what to do', async () => {
  const missing = await whyMissing({
    flavor: 'mariadb',
    version: '3.14',
    binary: null,
    cacheDirectory: tmpdir(),
  });
  expect(missing).toMatch(/no server of mariadb 3\.14 is on PATH: install one, set database\.binary/);
});

test.each([
  ['9.7.4', '9', true],
  ['9.7.4', '9.7', true],
  ['9.70.1', '9.7', false],
  ['10.11.8', '10.1', false],
])('%s is a %s: %s', (version, wanted, is) => {
  expect(matches(version, wanted)).toBe(is);
});
