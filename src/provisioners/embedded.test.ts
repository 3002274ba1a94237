import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { serverRequest } from '../../tests/server.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import { embedded } from './embedded.ts';
import { findLeftovers } from './leftovers.ts';
import { isPortTaken } from './ports.ts';
import { sendSignal } from './processes.ts';
import type { Server, ServerRequest } from './provisioner.ts';
import { openAdministrator } from './readiness.ts';

const never = new AbortController().signal;
let scratch: string;

beforeEach(async () => {
  // A path with spaces and a quote, which the server's user can enter.
  scratch = await mkdtemp(join(tmpdir(), 'rehearse test "'));
  await chmod(scratch, 0o755);
  await mkdir(join(scratch, 'servers'));
  vi.stubEnv('REHEARSE_TMP', join(scratch, 'servers'));
  vi.stubEnv('XDG_STATE_HOME', join(scratch, 'state'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true });
});

async function setting(server: Server, name: string): Promise<string | undefined> {
  await using session = await openAdministrator(
    serverRequest({ provision: 'embedded' }).engine,
    server.administrator,
    never,
  );
  const [row] = await session.query<{ value: string }>('select current_setting($1) as value', [name]);
  return row?.value;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function postmasterPid(server: Server): Promise<number> {
  if ('missing' in server.dataDirectory) throw new Error(server.dataDirectory.missing);
  return Number.parseInt(await readFile(join(server.dataDirectory.path, 'postmaster.pid'), 'utf8'), 10);
}

test('a server starts in the filling profile, restarts in the rehearsal profile, and leaves nothing behind', async () => {
  const settings = { work_mem: '5MB' };
  const server = await embedded.start(serverRequest({ provision: 'embedded', settings }), never);
  try {
    expect(server.version).toMatch(/^18\.\d+$/);
    expect(server.dataDirectory).toEqual({ path: expect.stringContaining(scratch) });
    expect(await setting(server, 'fsync')).toBe('off');
    expect(await setting(server, 'wal_level')).toBe('minimal');
    expect(await setting(server, 'work_mem')).toBe('5MB');

    const pid = await postmasterPid(server);
    await server.useProfile('rehearsal');
    expect(await postmasterPid(server)).not.toBe(pid);
    expect(await setting(server, 'fsync')).toBe('on');
    expect(await setting(server, 'wal_level')).toBe('replica');
    expect(await setting(server, 'autovacuum')).toBe('on');
    expect(await setting(server, 'work_mem')).toBe('5MB');
    expect(await setting(server, 'shared_preload_libraries')).toBe('pg_stat_statements');
    expect(await setting(server, 'listen_addresses')).toBe('127.0.0.1');
  } finally {
    await server[Symbol.asyncDispose]();
  }
  expect(await isPortTaken(server.administrator.port)).toBe(false);
  expect(await exists(server.administrator.socket ?? '')).toBe(false);
  expect('path' in server.dataDirectory && (await exists(server.dataDirectory.path))).toBe(false);
});

test('nobody comes in without the password, by the socket or by the port', async () => {
  const request = serverRequest({ provision: 'embedded' });
  await using server = await embedded.start(request, never);
  const wrong = { ...server.administrator, password: 'wrong' };
  await expect(openAdministrator(request.engine, wrong, never)).rejects.toThrow(/password/);
  await expect(openAdministrator(request.engine, { ...wrong, socket: null }, never)).rejects.toThrow(
    /password/,
  );
  await using session = await openAdministrator(
    request.engine,
    { ...server.administrator, socket: null },
    never,
  );
  expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('a folder too long for a socket gets a socket elsewhere', async () => {
  vi.stubEnv('REHEARSE_TMP', join(scratch, 'servers', 'long '.repeat(20).trim()));
  await using server = await embedded.start(serverRequest({ provision: 'embedded' }), never);
  expect(server.administrator.socket).not.toContain(scratch);
  expect(await setting(server, 'fsync')).toBe('off');
});

test.each([
  { settings: { shared_buffers: 'plenty' }, says: /shared_buffers = "plenty": invalid value/ },
  { settings: { sharedbuffers: '1GB' }, says: /sharedbuffers = "1GB": unrecognized configuration parameter/ },
  { settings: { port: '5432' }, says: /port = "5432" cannot be set in a rehearsal/ },
  { settings: { shared_preload_libraries: 'nonesuch' }, says: /FATAL: {2}could not access file "nonesuch"/ },
])(
  "wrong settings $settings are the user's to correct, and leave nothing behind",
  async ({ settings, says }) => {
    const starting = embedded.start(serverRequest({ provision: 'embedded', settings }), never);
    await expect(starting).rejects.toThrow(says);
    await expect(starting).rejects.toBeInstanceOf(UsageError);
    await expectNothingLeft();
  },
);

test('a port that another program takes before the first start is given up for another one', async () => {
  const request = serverRequest({ provision: 'embedded' });
  await using thief = await portThief();
  const { embedded: recipe } = request.engine.recipe;
  const initialise: typeof recipe.initialise = (installation, layout) => {
    thief.take(layout.port);
    return recipe.initialise(installation, layout);
  };
  await using server = await embedded.start(withEmbedded(request, { initialise }), never);
  expect(thief.port()).toBeGreaterThan(0);
  expect(server.administrator.port).not.toBe(thief.port());
  expect(await setting(server, 'fsync')).toBe('off');
});

test("a port that another program takes during a restart is told in the server's own words", async () => {
  const request = serverRequest({ provision: 'embedded' });
  await using thief = await portThief();
  const { embedded: recipe } = request.engine.recipe;
  let starts = 0;
  const start: typeof recipe.start = (installation, layout) => {
    starts += 1;
    if (starts === 2) thief.take(layout.port);
    return recipe.start(installation, layout);
  };
  const starting = embedded.start(withEmbedded(request, { start }), never);
  await expect(starting).rejects.toThrow(EnvironmentError);
  await expect(starting).rejects.toThrow('Address already in use');
  await expectNothingLeft();
});

function withEmbedded(
  request: ServerRequest,
  changed: Partial<ServerRequest['engine']['recipe']['embedded']>,
): ServerRequest {
  const { recipe } = request.engine;
  return {
    ...request,
    engine: { ...request.engine, recipe: { ...recipe, embedded: { ...recipe.embedded, ...changed } } },
  };
}

/** Another program: takes a port at once, that is before a process that is spawned next can. */
async function portThief() {
  const server = createServer();
  let taken = 0;
  return {
    port: () => taken,
    take: (port: number) => {
      taken = port;
      server.listen({ port, host: '127.0.0.1', exclusive: true });
    },
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('a server that is killed says so, and is cleaned away all the same', async () => {
  const request = serverRequest({ provision: 'embedded' });
  const server = await embedded.start(request, never);
  sendSignal(await postmasterPid(server), 'SIGKILL');
  await vi.waitFor(
    () => expect(request.said).toContain('the server process ended by itself (signal SIGKILL)'),
    10_000,
  );
  await expect(server.useProfile('rehearsal')).rejects.toThrow('its process ended by signal SIGKILL');
  await server[Symbol.asyncDispose]();
  await expectNothingLeft();
});

test('an interruption during the start leaves nothing behind', async () => {
  const interrupted = new AbortController();
  const request = serverRequest({ provision: 'embedded' });
  const starting = embedded.start(
    {
      ...request,
      say: (message) => message.startsWith('starting') && interrupted.abort(new Error('stop it')),
    },
    interrupted.signal,
  );
  await expect(starting).rejects.toThrow('stop it');
  await expectNothingLeft();
});

async function expectNothingLeft(): Promise<void> {
  expect(await readdir(join(scratch, 'servers'))).toEqual([]);
  expect(await readdir(join(scratch, 'state', 'rehearse')).catch(() => [])).toEqual([]);
  expect(await findLeftovers()).toEqual([]);
}
