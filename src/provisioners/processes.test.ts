import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { identifyProcess, isRunning, startInProc } from './processes.ts';

const fields = Array.from({ length: 50 }, (_, index) => String(index + 3));

test('the start of a process is read behind a name that holds brackets and blanks', () => {
  const after = ['S', ...fields.slice(1)].join(' ');
  expect(startInProc(`4711 (a) S (b) c) ${after}`)).toBe('22');
});

test('a process that has ended and was not collected does not run', () => {
  expect(startInProc(`4711 (node) ${['Z', ...fields.slice(1)].join(' ')}`)).toBeNull();
});

test('a process is told from a later one with the same number', async () => {
  const identity = await identifyProcess(process.pid);
  expect(await isRunning(identity)).toBe(true);
  expect(await isRunning({ ...identity, startedAt: 'another time' })).toBe(false);
});

test('a process that was killed does not run', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  const identity = await identifyProcess(child.pid ?? 0);
  expect(await isRunning(identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await isRunning(identity)).toBe(false);
});
