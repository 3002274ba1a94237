import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { serverRequest } from '../../tests/server.ts';
import { UsageError } from '../errors.ts';
import { embedded } from './embedded.ts';
import { external } from './external.ts';
import type { Server } from './provisioner.ts';
import { openAdministrator } from './readiness.ts';

const never = new AbortController().signal;
let scratch: string;
let theirs: Server;
let url: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'rehearse-external-'));
  await chmod(scratch, 0o755);
  vi.stubEnv('REHEARSE_TMP', scratch);
  theirs = await embedded.start(serverRequest({ provision: 'embedded' }), never);
  const { port, password } = theirs.administrator;
  await execute('create database staging');
  url = `postgres://postgres:${password}@127.0.0.1:${port}/staging`;
});

afterAll(async () => {
  await theirs[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true });
});

async function execute(statement: string): Promise<void> {
  await using session = await openAdministrator(serverRequest().engine, theirs.administrator, never);
  await session.execute(statement);
}

async function rehearsalRoles(): Promise<readonly string[]> {
  await using session = await openAdministrator(serverRequest().engine, theirs.administrator, never);
  const rows = await session.query<{ rolname: string }>(
    "select rolname from pg_roles where rolname like 'rehearse%' order by rolname",
  );
  return rows.map(({ rolname }) => rolname);
}

test('a database that is not named as expendable is refused, with what would happen to it and no password', async () => {
  const starting = external.start(serverRequest({ provision: 'external', url }), never);
  await expect(starting).rejects.toThrow(UsageError);
  await expect(starting).rejects.toThrow(
    /database staging on .* is not named as expendable, so nothing was done/,
  );
  await expect(starting).rejects.not.toThrow(theirs.administrator.password);
});

test('without a URL it cannot be used', async () => {
  expect(await external.unavailable(serverRequest({ provision: 'external' }))).toBe(
    'database.url is not set',
  );
  await expect(
    external.start(serverRequest({ provision: 'external', expendable: true }), never),
  ).rejects.toThrow('database.url');
});

test('an expendable database is taken as it is, and our roles are gone at the end', async () => {
  const request = serverRequest({
    provision: 'external',
    url,
    expendable: true,
    settings: { work_mem: '1MB' },
  });
  {
    await using server = await external.start(request, never);
    expect(server.database).toBe('staging');
    expect(server.dataDirectory).toHaveProperty('missing');
    await using session = await openAdministrator(request.engine, server.administrator, never);
    await request.engine.connections.createRoles(session, server.database);
    expect(await rehearsalRoles()).not.toEqual([]);
    await server.useProfile('rehearsal');
  }
  expect(request.said).toContain('the settings of the server stay as they are: it is not ours to restart');
  expect(await rehearsalRoles()).toEqual([]);
});
