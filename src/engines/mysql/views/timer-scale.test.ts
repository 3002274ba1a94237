import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CYCLES_ERROR, createTimerScale } from './timer-scale.ts';

/** What the server tells of a wait in a statement; its timer of waits runs `factor` times as fast as it should. */
function told(factor: number, { startedMs, waitsAfterMs, waitedMs, endsAfterMs }: Made) {
  const waitsFromMs = startedMs + waitsAfterMs;
  const waitsToMs = waitsFromMs + waitedMs;
  return {
    wait: { startedMs: waitsFromMs * factor, endedMs: waitsToMs * factor },
    statement: { startedMs, endedMs: waitsToMs + endsAfterMs },
  };
}

interface Made {
  readonly startedMs: number;
  readonly waitsAfterMs: number;
  readonly waitedMs: number;
  readonly endsAfterMs: number;
}

const made = fc.record({
  startedMs: fc.double({ min: 1_000, max: 1e9, noNaN: true }),
  waitsAfterMs: fc.double({ min: 0, max: 100, noNaN: true }),
  waitedMs: fc.double({ min: 1, max: 60_000, noNaN: true }),
  endsAfterMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
});

test('the true length of every wait lies within what is told of it', () => {
  const usual = fc.double({ min: 0.996, max: 1.004, noNaN: true });
  fc.assert(fc.property(usual, fc.array(made, { minLength: 1 }), holds));
});

test('so it does on a timer that is far off, once a wait has shown that', () => {
  const wrong = fc.oneof(
    fc.double({ min: 0.2, max: 0.98, noNaN: true }),
    fc.double({ min: 1.02, max: 5, noNaN: true }),
  );
  const telling = { startedMs: 1e6, waitsAfterMs: 1, waitedMs: 1000, endsAfterMs: 1 };
  fc.assert(fc.property(wrong, fc.array(made), (factor, waits) => holds(factor, [telling, ...waits])));
});

function holds(factor: number, waits: readonly Made[]): void {
  const scale = createTimerScale(CYCLES_ERROR);
  for (const each of waits) {
    const { wait, statement } = told(factor, each);
    scale.learn(wait, statement);
  }
  for (const { waitedMs } of waits) {
    const { lowerMs, upperMs } = scale.true(waitedMs * factor);
    expect(lowerMs).toBeLessThanOrEqual(waitedMs * (1 + 1e-9));
    expect(upperMs).toBeGreaterThanOrEqual(waitedMs * (1 - 1e-9));
  }
}

test('a wait of 1214 ms that a timer calls 294 ms is told as 1214 ms', () => {
  const scale = createTimerScale(CYCLES_ERROR);
  const factor = 294 / 1214;
  const { wait, statement } = told(factor, {
    startedMs: 120_000,
    waitsAfterMs: 1,
    waitedMs: 1214,
    endsAfterMs: 5,
  });
  scale.learn(wait, statement);
  const { lowerMs, upperMs } = scale.true(294);
  expect(lowerMs).toBeGreaterThan(1200);
  expect(lowerMs).toBeLessThanOrEqual(1214);
  expect(upperMs).toBeGreaterThanOrEqual(1214);
  expect(upperMs).toBeLessThan(1228);
});

test('without a wait the usual error of the timer is assumed', () => {
  const { lowerMs, upperMs } = createTimerScale(CYCLES_ERROR).true(1000);
  expect([Math.round(lowerMs), Math.round(upperMs)]).toEqual([995, 1005]);
});
