import { expect, test } from 'vitest';
import { reachableBytes } from '../../tests/heap.ts';
import { createApplication } from './application/application.ts';
import type { Operation } from './load.ts';
import { createStampRecorder } from './stamps/stamps.ts';

const MINUTE = 60_000;
const TEXT = 'select 1';
const OPERATION: Operation = {
  record: { name: 'a', statements: [TEXT], weight: 1, kind: 'read', tables: [], codeVersion: 'running' },
  transaction: false,
  statements: [{ name: 'a', text: TEXT, written: TEXT, references: [], parameters: [] }],
};

test('what the load keeps of ten minutes at 1,000/s is no more than its slots', async () => {
  let nowMs = 0;
  const answers: (() => void)[] = [];
  const stamps = createStampRecorder();
  const application = createApplication({
    pool: { size: 2, instances: 1, checkoutTimeoutMs: null, maxQueue: 50 },
    stamps,
    now: () => nowMs,
    redact: (message) => message,
    connect: async () => ({
      id: 1,
      run(_statement, _values, done) {
        const isLate = nowMs % 10 === 0;
        const failure = { code: '40P01', message: 'deadlock detected', outcome: 'deadlock' } as const;
        answers.push(() => done(isLate ? failure : null));
      },
      close: async () => undefined,
    }),
  });
  await application.open();
  stamps.open('baseline', 0);

  /** One operation each millisecond; in every second nobody answers for 100 ms, so that some wait and some are dropped. */
  function advance(milliseconds: number): void {
    for (const untilMs = nowMs + milliseconds; nowMs < untilMs; nowMs += 1) {
      application.dispatch({ operation: OPERATION, values: [[]], stamps: stamps.due(0, nowMs, nowMs) }, 0);
      if (nowMs % 1000 >= 100) for (let left = 3; left > 0; left -= 1) answers.shift()?.();
      if (nowMs % 250 === 0) stamps.pulse(nowMs, application.queued);
    }
  }
  advance(MINUTE);
  const bytes = reachableBytes();
  advance(9 * MINUTE);
  const more = reachableBytes() - bytes;
  const { tallies, slots } = stamps.finish(nowMs, ['a']);
  await application.close();

  const { due = 0, completed = 0, failed = 0, dropped = 0, inFlight = 0 } = tallies[0]?.window ?? {};
  expect(due).toBe(10 * MINUTE);
  expect(completed + failed + dropped + inFlight).toBe(due);
  for (const some of [completed, failed, dropped]) expect(some).toBeGreaterThan(MINUTE / 10);
  expect(slots.length).toBeGreaterThanOrEqual(6000);
  // 5,400 slots of nine minutes; eight bytes of each of the 540,000 operations would be 4.3 MB.
  expect(more).toBeLessThan(2_500_000);
});
