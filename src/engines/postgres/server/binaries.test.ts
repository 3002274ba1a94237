import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EnvironmentError, UsageError } from '../../../errors.ts';
import { locateServer, matches, newestMatching } from './binaries.ts';

let cacheDirectory: string;
const said: string[] = [];

beforeEach(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'rehearse-cache-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cacheDirectory, { recursive: true });
});

function locate(wanted: { version?: string; binary?: string }) {
  const signal = new AbortController().signal;
  const say = (message: string) => void said.push(message);
  return locateServer({
    flavor: 'postgres',
    version: null,
    binary: null,
    ...wanted,
    cacheDirectory,
    say,
    signal,
  });
}

test.each([
  ['18.4.0-beta.17', '18', true],
  ['18.4.0-beta.17', '18.4', true],
  ['18.4.0-beta.17', '18.40', false],
  ['18.4.0-beta.17', '1', false],
  ['15.20', '15', true],
])('%s as %s: %s', (version, wanted, expected) => {
  expect(matches(version, wanted)).toBe(expected);
});

test('the newest package of a major is found by number, not by letter', () => {
  const versions = ['16.9.0-beta.15', '16.14.0-beta.9', '16.14.0-beta.17', '17.1.0', '16.2.0'];
  expect(newestMatching(versions, '16')).toBe('16.14.0-beta.17');
  expect(newestMatching(versions, '11')).toBeNull();
});

test('the installed package is found with the links that it lacks', async () => {
  const found = await locate({ version: '18' });
  expect(found.version).toMatch(/^18\.\d+$/);
  expect(found.copy?.links.every(({ path, target }) => !path.startsWith('native/') && target !== '')).toBe(
    true,
  );
});

test('another major that is not cached and cannot be fetched is an error that says what to do', async () => {
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9');
  const locating = locate({ version: '14' });
  await expect(locating).rejects.toThrow(EnvironmentError);
  await expect(locating).rejects.toThrow(
    /Postgres 14 is neither installed nor in the cache.*ECONNREFUSED.*Go online once/,
  );
});

test('a folder without a server is refused', async () => {
  await expect(locate({ binary: cacheDirectory })).rejects.toThrow(UsageError);
  await expect(locate({ binary: cacheDirectory })).rejects.toThrow('holds no Postgres server');
});
