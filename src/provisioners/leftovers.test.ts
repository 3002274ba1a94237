import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findLeftovers, removeLeftovers } from './leftovers.ts';
import { holdNote, readNotes } from './notes.ts';
import { isRunning } from './processes.ts';

let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'rehearse-leftovers-'));
  await chmod(scratch, 0o755);
  await mkdir(join(scratch, 'servers'));
  vi.stubEnv('REHEARSE_TMP', join(scratch, 'servers'));
  vi.stubEnv('XDG_STATE_HOME', join(scratch, 'state'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true });
});

/** A harness of its own process: starts a server, says so, and waits to be killed. */
const harness = `
  import { embedded } from ${JSON.stringify(join(import.meta.dirname, 'embedded.ts'))};
  import { serverRequest } from ${JSON.stringify(join(import.meta.dirname, '../../tests/server.ts'))};
  await embedded.start(serverRequest({ provision: 'embedded' }), new AbortController().signal);
  console.log('started');
  setInterval(() => {}, 1000);
`;

test('what a killed harness leaves is found and removed: process, folder and note', async () => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', harness], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  expect(line).toBe('started');
  expect(await findLeftovers()).toEqual([]);

  child.kill('SIGKILL');
  await once(child, 'exit');
  const [leftover] = await findLeftovers();
  const server = leftover?.note.resources.process ?? null;
  const folder = leftover?.note.resources.directories[0] ?? '';
  expect(server !== null && (await isRunning(server))).toBe(true);
  await access(folder);

  expect(await removeLeftovers()).toEqual([`server process ${server?.pid}, folder ${folder}`]);
  expect(server !== null && (await isRunning(server))).toBe(false);
  expect(await readdir(join(scratch, 'servers'))).toEqual([]);
  expect(await readNotes()).toEqual([]);
});

test('a first note that its killed writer left unfinished goes at once', async () => {
  const notes = join(scratch, 'state', 'rehearse');
  const writer = execa('sleep', ['600'], { reject: false });
  const note = await holdNote({});
  const [name] = await readdir(notes);
  const own = join(notes, `${name}.new`);
  const others = join(notes, `${name?.replace(/^\d+/, String(writer.pid))}.new`);
  for (const file of [own, others]) await writeFile(file, '');
  await removeLeftovers();
  expect(await readdir(notes)).toHaveLength(3);
  writer.kill('SIGKILL');
  await writer;
  await removeLeftovers();
  expect((await readdir(notes)).toSorted()).toEqual([name, `${name}.new`]);
  await note.remove();
  expect(await readdir(notes)).toEqual([]);
});

test('what a running harness holds is left alone', async () => {
  const folder = join(scratch, 'in use');
  await mkdir(folder);
  const note = await holdNote({ directories: [folder] });
  expect(await removeLeftovers()).toEqual([]);
  await access(folder);
  await note.remove();
  expect(await readNotes()).toEqual([]);
});

test('half-written notes go with their notes, or when nobody can be writing them any more', async () => {
  const notes = join(scratch, 'state', 'rehearse');
  await holdNote({});
  const [held] = await readNotes();
  const dead = join(notes, '1-dead.note.json');
  const note = JSON.parse(await readFile(held?.file ?? '', 'utf8'));
  await writeFile(dead, JSON.stringify({ ...note, owner: { ...note.owner, bootId: 'an earlier one' } }));
  const [old, fresh] = [join(notes, '2-old.note.json.new'), join(notes, '3-fresh.note.json.new')];
  for (const file of [`${dead}.new`, old, fresh]) await writeFile(file, '{"owner":');
  await utimes(old, 0, 0);

  await removeLeftovers();
  expect(await readdir(notes)).toEqual(expect.arrayContaining(['3-fresh.note.json.new']));
  expect((await readNotes()).map(({ file }) => file)).toEqual([held?.file]);
  expect(await readdir(notes)).toHaveLength(2);
});
