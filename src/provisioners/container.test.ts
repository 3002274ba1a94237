import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { containersMissing } from '../../tests/containers.ts';
import { eventually, serverRequest } from '../../tests/server.ts';
import { InterruptedError, UsageError } from '../errors.ts';
import { container } from './container.ts';
import { findLeftovers, removeLeftovers } from './leftovers.ts';
import { holdNote } from './notes.ts';
import type { Server } from './provisioner.ts';
import { openAdministrator } from './readiness.ts';

const never = new AbortController().signal;
const image = 'postgres:17';
let state: string;

beforeEach(async (context) => {
  const reason = await containersMissing(image);
  if (reason !== null) context.skip(reason);
  state = await mkdtemp(join(tmpdir(), 'rehearse-containers-'));
  vi.stubEnv('XDG_STATE_HOME', state);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  if (state) await rm(state, { recursive: true, force: true });
});

async function docker(...args: string[]): Promise<string> {
  return (await execa('docker', args)).stdout;
}

async function setting(server: Server, name: string): Promise<string | undefined> {
  await using session = await openAdministrator(serverRequest().engine, server.administrator, never);
  const [row] = await session.query<{ value: string }>('select current_setting($1) as value', [name]);
  return row?.value;
}

async function ownedContainers(): Promise<readonly string[]> {
  const text = await docker('ps', '--all', '--quiet', '--filter', `label=rehearse.owner=${ownerLabel()}`);
  return text.split('\n').filter((line) => line !== '');
}

function ownerLabel(): string {
  return `${process.pid}@${hostname()}`;
}

async function ownedVolumes(): Promise<readonly string[]> {
  const text = await docker('volume', 'ls', '--quiet', '--filter', `label=rehearse.owner=${ownerLabel()}`);
  return text.split('\n').filter((line) => line !== '');
}

test('a server in a container: volume, loopback only, restarted on the same port, gone at the end', async () => {
  const server = await container.start(serverRequest({ provision: 'container', version: '17' }), never);
  try {
    expect(server.version).toMatch(/^17\.\d+$/);
    expect(await setting(server, 'fsync')).toBe('off');
    const [id = ''] = await ownedContainers();
    const published = await docker('port', id);
    expect(published).toBe(`5432/tcp -> 127.0.0.1:${server.administrator.port}`);
    const mounts = JSON.parse(await docker('inspect', '--format', '{{json .Mounts}}', id)) as {
      Type: string;
      Destination: string;
    }[];
    expect(mounts).toMatchObject([{ Type: 'volume', Destination: await setting(server, 'data_directory') }]);
    if ('path' in server.dataDirectory)
      expect(await readdir(server.dataDirectory.path)).toContain('PG_VERSION');

    await server.useProfile('rehearsal');
    expect(await setting(server, 'fsync')).toBe('on');
    expect(await docker('port', id)).toBe(published);
    expect(await docker('logs', id)).not.toContain('was not properly shut down');
  } finally {
    await server[Symbol.asyncDispose]();
  }
  expect(await ownedContainers()).toEqual([]);
  expect(await ownedVolumes()).toEqual([]);
  expect(await readdir(join(state, 'rehearse'))).toEqual([]);
});

test('settings that keep the server from starting are quoted with its log, and nothing is left', async () => {
  const settings = { shared_preload_libraries: 'nonesuch' };
  const starting = container.start(serverRequest({ provision: 'container', version: '17', settings }), never);
  await expect(starting).rejects.toThrow(UsageError);
  await expect(starting).rejects.toThrow(
    /shared_preload_libraries = "nonesuch"[\s\S]*FATAL: {2}could not access file/,
  );
  expect(await ownedContainers()).toEqual([]);
  expect(await ownedVolumes()).toEqual([]);
});

test('an image that is nowhere is named with what to do', async () => {
  const wanted = { image: 'rehearse.invalid/no-such-image:1' };
  await expect(container.start(serverRequest({ provision: 'container', ...wanted }), never)).rejects.toThrow(
    'the image "rehearse.invalid/no-such-image:1" is not there and could not be pulled. Load or build it',
  );
  expect(await ownedVolumes()).toEqual([]);
});

test('a container and a volume of a killed harness are removed by its note', async () => {
  const name = 'rehearse-test-leftover';
  await docker('volume', 'create', name);
  await docker('create', '--name', name, '--mount', `type=volume,source=${name},target=/data`, image);
  const note = await holdNote({ container: name, volume: name });
  expect(await findLeftovers()).toEqual([]);
  await pretendDeadOwner();
  expect(await removeLeftovers()).toEqual([`container ${name}, volume ${name}`]);
  expect(await docker('ps', '--all', '--quiet', '--filter', `name=${name}`)).toBe('');
  expect(await docker('volume', 'ls', '--quiet', '--filter', `name=${name}`)).toBe('');
  await note.remove();
});

test('an interruption while the volume is copied for a replica leaves neither volume nor container', async () => {
  const interrupted = new AbortController();
  const request = serverRequest({ provision: 'container', version: '17', replica: true });
  const server = await container.start(request, interrupted.signal);
  const { programs, replica } = server;
  if ('missing' in replica || programs === null || !('where' in programs)) throw new Error('no container');
  const primary = programs.where.replace('the container ', '');
  try {
    const started = replica({
      say: () => undefined,
      prepare: async () => ({ files: [], without: [], settings: '', notes: [] }),
    });
    started.catch(() => undefined);
    const helper = await eventually('the volume is copied', async () => {
      const names = await docker('ps', '--all', '--format', '{{.Names}}', '--filter', `volume=${primary}`);
      return names.split('\n').find((name) => name.endsWith('-copy')) ?? null;
    });
    interrupted.abort(new InterruptedError('SIGINT'));
    await expect(started).rejects.toThrow('SIGINT');
    await server[Symbol.asyncDispose]();
    const left = await docker('volume', 'ls', '--quiet');
    expect(left).not.toContain(primary);
    expect(left).not.toContain(helper.replace(/-copy$/, ''));
    expect(await ownedContainers()).toEqual([]);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

/** Rewrites the notes as if an earlier process with our number had made them. */
async function pretendDeadOwner(): Promise<void> {
  for (const file of await readdir(join(state, 'rehearse'))) {
    const path = join(state, 'rehearse', file);
    const note = JSON.parse(await readFile(path, 'utf8')) as { owner: { startedAt: string } };
    await writeFile(path, JSON.stringify({ ...note, owner: { ...note.owner, startedAt: '0' } }));
  }
}
