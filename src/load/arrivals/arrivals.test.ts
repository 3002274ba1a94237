import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoadPlan, Operation } from '../load.ts';
import { createArrivalList, HASHED_ARRIVALS } from './arrival-list.ts';
import { type ArrivalSettings, createChooser, createInstants, firstAbove } from './arrivals.ts';
import { createRandom } from './random.ts';

const poisson: ArrivalSettings = { ratePerSecond: 500, arrivals: 'poisson' };

function operation(name: string, weight: number): Operation {
  return {
    record: {
      name,
      statements: [`select '${name}'`],
      weight,
      kind: 'read',
      tables: [],
      codeVersion: 'running',
    },
    transaction: false,
    statements: [
      {
        name,
        text: 'select $1, $2',
        written: 'select $1, $2',
        references: ['$1', '$2'],
        parameters: [
          { from: 'integer', min: 1, max: 1000 },
          { from: 'key', pool: 0, table: 't', column: 'id', pick: 'zipf' },
        ],
      },
    ],
  };
}

type ListPlan = Pick<LoadPlan, 'settings' | 'operations' | 'keyPools' | 'randomSeed'>;

function listPlan(randomSeed: number, change: Partial<ListPlan> = {}): ListPlan {
  const settings: LoadPlan['settings'] = {
    ...poisson,
    pool: { size: 1, instances: 1, checkoutTimeoutMs: null, maxQueue: 1 },
    statementTimeoutMs: null,
    protocol: 'prepared',
    operationsFile: null,
    nextOperationsFile: null,
    profileFile: null,
    rateIsWritten: true,
    program: null,
    warmUpMs: 0,
    baselineMs: 0,
    recoveryMs: 0,
    threads: 1,
  };
  const operations = [operation('read', 3), operation('write', 1)];
  return { settings, operations, keyPools: [['10', '20', '30', '40']], randomSeed, ...change };
}

test('the same seed gives the same instants, another seed gives others', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.constantFrom('poisson', 'uniform'), (seed, arrivals) => {
      const take = (randomSeed: number) => {
        const next = createInstants({ ratePerSecond: 100, arrivals }, randomSeed);
        return Array.from({ length: 20 }, next);
      };
      expect(take(seed)).toEqual(take(seed));
      if (arrivals === 'poisson') expect(take(seed)).not.toEqual(take(seed + 1));
    }),
  );
});

test('instants never descend and keep the rate', () => {
  const next = createInstants(poisson, 7);
  const instants = Array.from({ length: 50_000 }, next);
  expect(instants.every((atMs, index) => atMs >= (instants[index - 1] ?? 0))).toBe(true);
  const ratePerSecond = (instants.length / (instants.at(-1) ?? 0)) * 1000;
  expect(ratePerSecond).toBeGreaterThan(490);
  expect(ratePerSecond).toBeLessThan(510);
});

test('gaps of Poisson arrivals spread as an exponential distribution does', () => {
  const next = createInstants(poisson, 11);
  let before = 0;
  const gaps = Array.from({ length: 50_000 }, () => {
    const atMs = next();
    const gap = atMs - before;
    before = atMs;
    return gap;
  });
  const meanMs = 1000 / poisson.ratePerSecond;
  const shareAbove = (limit: number) => gaps.filter((gap) => gap > limit).length / gaps.length;
  expect(shareAbove(meanMs)).toBeCloseTo(Math.exp(-1), 2);
  expect(shareAbove(3 * meanMs)).toBeCloseTo(Math.exp(-3), 2);
});

test('uniform arrivals do not drift', () => {
  const next = createInstants({ ratePerSecond: 3, arrivals: 'uniform' }, 1);
  const instants = Array.from({ length: 3000 }, next);
  expect(instants.at(-1)).toBeCloseTo(1_000_000, 6);
});

test('operations are chosen by their weight', () => {
  const choose = createChooser([6, 3, 1], createRandom(3, 'operations'));
  const counts = [0, 0, 0];
  for (let drawn = 0; drawn < 30_000; drawn += 1) {
    const index = choose();
    counts[index] = (counts[index] ?? 0) + 1;
  }
  expect(counts.map((count) => Math.round(count / 3000))).toEqual([6, 3, 1]);
});

test('the first sum above a number is found as a linear search finds it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), fc.nat(60), (gaps, wanted) => {
      let total = 0;
      const sums = gaps.map((gap) => {
        total += gap;
        return total;
      });
      const linear = sums.findIndex((sum) => sum > wanted);
      expect(firstAbove(sums, wanted)).toBe(linear < 0 ? sums.length - 1 : linear);
    }),
  );
});

test('two lists of one plan agree in every arrival, and in their hash whatever the length of the run', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 300 }), (seed, taken) => {
      const one = createArrivalList(listPlan(seed), new Map());
      const other = createArrivalList(listPlan(seed), new Map());
      for (let index = 0; index < taken; index += 1) expect(one.next()).toEqual(other.next());
      expect(one.nextAtMs).toBe(other.nextAtMs);
      other.next();
      expect(one.hash()).toBe(other.hash());
    }),
    { numRuns: 5 },
  );
});

test('a longer run than the hashed arrivals has the same hash', () => {
  const long = createArrivalList(listPlan(5), new Map());
  for (let index = 0; index < HASHED_ARRIVALS + 10; index += 1) long.next();
  expect(long.hash()).toBe(createArrivalList(listPlan(5), new Map()).hash());
});

test('another seed, rate, operation, weight or key changes the hash', () => {
  const hashOf = (plan: ListPlan) => createArrivalList(plan, new Map()).hash();
  const { settings } = listPlan(1);
  const hashes = [
    listPlan(1),
    listPlan(2),
    listPlan(1, { settings: { ...settings, ratePerSecond: 501 } }),
    listPlan(1, { operations: [operation('read', 3), operation('other', 1)] }),
    listPlan(1, { operations: [operation('read', 2), operation('write', 1)] }),
    listPlan(1, { keyPools: [['10', '20', '30', '41']] }),
  ].map(hashOf);
  expect(new Set(hashes).size).toBe(hashes.length);
});
