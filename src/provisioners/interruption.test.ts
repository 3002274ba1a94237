import { expect, test } from 'vitest';
import { unlessAborted } from './interruption.ts';

test('after an abort nobody waits for work that does not end', async () => {
  const interruption = new AbortController();
  const waiting = unlessAborted(interruption.signal, new Promise(() => undefined));
  interruption.abort(new Error('interrupted'));
  await expect(waiting).rejects.toThrow('interrupted');
  await expect(unlessAborted(interruption.signal, new Promise(() => undefined))).rejects.toThrow(
    'interrupted',
  );
});

test('without an abort the work tells how it ended', async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(signal, Promise.resolve('stopped'))).toBe('stopped');
  await expect(unlessAborted(signal, Promise.reject(new Error('stuck')))).rejects.toThrow('stuck');
});
