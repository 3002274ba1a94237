import { expect, test } from 'vitest';
import { createCleanup } from './cleanup.ts';

function recorded() {
  const done: string[] = [];
  const cleanup = createCleanup(async () => void done.push('note'));
  cleanup.add(async () => void done.push('first'));
  cleanup.add(async () => void done.push('second'));
  return { cleanup, done };
}

test('undoes in reverse order, once, and takes the note away last', async () => {
  const { cleanup, done } = recorded();
  await cleanup.run();
  expect(done).toEqual(['second', 'first', 'note']);
});

test('one failure keeps nothing else from being undone, and keeps the note', async () => {
  const { cleanup, done } = recorded();
  cleanup.add(() => Promise.reject(new Error('busy')));
  await expect(cleanup.run()).rejects.toThrow('busy');
  expect(done).toEqual(['second', 'first']);
});

test('a failure while cleaning up does not hide the first one', async () => {
  const { cleanup } = recorded();
  cleanup.add(() => Promise.reject(new Error('busy')));
  const first = new Error('the reason');
  expect(await cleanup.after(first)).toBe(first);
});
