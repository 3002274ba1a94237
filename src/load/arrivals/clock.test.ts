import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { clockZeroOf, createClock } from './clock.ts';

test('the clock of this thread is the one of the recorder', () => {
  const epochMs = performance.timeOrigin + performance.now() - 5000;
  const now = createClock(clockZeroOf(epochMs));
  const before = performance.timeOrigin + performance.now() - epochMs;
  const read = now();
  const after = performance.timeOrigin + performance.now() - epochMs;
  expect(read).toBeGreaterThan(before - 0.05);
  expect(read).toBeLessThan(after + 0.05);
});

test('the clock of another thread shows what lies between question and answer here', async () => {
  const clockZeroMs = clockZeroOf(performance.timeOrigin + performance.now());
  const now = createClock(clockZeroMs);
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData.clock).then(({ createClock }) => {
       const now = createClock(workerData.clockZeroMs);
       parentPort.on('message', () => parentPort.postMessage(now()));
       parentPort.postMessage('ready');
     });`,
    { eval: true, workerData: { clock: new URL('./clock.ts', import.meta.url).href, clockZeroMs } },
  );
  const heard = () => new Promise<unknown>((resolve) => worker.once('message', resolve));
  try {
    await heard();
    for (let round = 0; round < 20; round += 1) {
      const asked = now();
      worker.postMessage(null);
      const read = await heard();
      expect(read).toBeGreaterThan(asked - 0.05);
      expect(read).toBeLessThan(now() + 0.05);
    }
  } finally {
    await worker.terminate();
  }
});
