import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Finding, Unit } from '../checks/check.ts';
import { between, exactly, type Figure, notMeasured } from '../recording/figure.ts';
import {
  bytes,
  count,
  counted,
  detailInWords,
  duration,
  figureInCell,
  figureInWords,
  instant,
  percent,
  quantity,
  rate,
  ratio,
  sentence,
} from './format.ts';

test.each([
  [0, '0 ms'],
  [0.42, '0.42 ms'],
  [4.2, '4.2 ms'],
  [42.34, '42.3 ms'],
  [499.6, '500 ms'],
  [999.6, '1 s'],
  [4971.5, '4.97 s'],
  [59_940, '59.9 s'],
  [59_970, '1 min'],
  [134_000, '2 min 14 s'],
  [3_599_900, '1 h'],
  [3_780_000, '1 h 3 min'],
  [183_600_000, '2 d 3 h'],
  [-0.2, '-0.2 ms'],
  [-0, '0 ms'],
])('%d ms is "%s"', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test.each([
  [0, '0 B'],
  [812, '812 B'],
  [999_600, '1 MB'],
  [37_027_840, '37 MB'],
  [1_250_000_000, '1.25 GB'],
  [-32_768, '-32.8 kB'],
])('%d bytes are "%s"', (value, words) => {
  expect(bytes(value)).toBe(words);
});

test('counts, ratios, shares and rates', () => {
  expect(count(1_204_000)).toBe('1,204,000');
  expect(counted(1, 'core')).toBe('1 core');
  expect(counted(2, 'core')).toBe('2 cores');
  expect(ratio(2)).toBe('2x');
  expect(ratio(0.2906)).toBe('0.291x');
  expect(ratio(0.0019)).toBe('under 0.01x');
  expect(percent(0.064)).toBe('6.4 %');
  expect(rate(199.2)).toBe('199/s');
  expect(instant('2026-03-02T09:14:07.512Z')).toBe('2026-03-02 09:14:07 UTC');
});

test('a figure is its value, an interval, an upper bound, or the reason why there is none', () => {
  expect(figureInWords(exactly(4200, 's'), 'ms')).toBe('4.2 s');
  expect(figureInWords(between(1200, 1400, 's'), 'ms')).toBe('between 1.2 s and 1.4 s');
  expect(figureInWords(between(4969, 4974, 's'), 'ms')).toBe('4.97 s');
  expect(figureInWords(between(0, 20, 's'), 'ms')).toBe('at most 20 ms');
  expect(figureInWords(notMeasured('no observer'), 'ms')).toBe('not measured: no observer');
  expect(figureInCell(between(1200, 1400, 's'), 'ms')).toBe('1.2 s – 1.4 s');
  expect(figureInCell(notMeasured('no observer'), 'ms')).toBe('–');
});

const finding: Finding = {
  checkId: 'lock-wait',
  verdict: 'fail',
  subject: 'orders',
  what: 'wait of the migration for AccessExclusiveLock',
  figure: exactly(4200, 'pg_locks.waitstart'),
  unit: 'ms',
  bound: 500,
  statementId: null,
  reason: null,
  details: [],
};

test('a sentence has the figure and the bound', () => {
  expect(sentence(finding)).toBe(
    'orders: 4.2 s wait of the migration for AccessExclusiveLock, budget 500 ms',
  );
  expect(sentence({ ...finding, bound: null })).toBe(
    'orders: 4.2 s wait of the migration for AccessExclusiveLock',
  );
});

test('a sentence without a figure has the reason and still the bound', () => {
  const figure = notMeasured('no replica ran');
  expect(sentence({ ...finding, verdict: 'inconclusive', subject: 'replica', what: 'lag', figure })).toBe(
    'replica: lag not measured: no replica ran, budget 500 ms',
  );
});

test('a figure just past its bound shows the digits in which they differ', () => {
  expect(sentence({ ...finding, figure: exactly(500.4, 'x') })).toContain('500.4 ms wait');
});

test('a figure on both sides of its bound shows both sides', () => {
  const straddling = {
    verdict: 'inconclusive',
    figure: between(499, 501, 'x'),
    reason: 'the bound lies within',
  } as const;
  expect(sentence({ ...finding, ...straddling })).toBe(
    'orders: between 499 ms and 501 ms wait of the migration for AccessExclusiveLock, budget 500 ms; inconclusive: the bound lies within',
  );
});

test('one operation is told in the singular', () => {
  const one: Finding = {
    ...finding,
    unit: 'count',
    figure: exactly(1, 'x'),
    what: 'operations failed or dropped',
    bound: 0,
  };
  expect(sentence(one)).toBe('orders: 1 operation failed or dropped, budget 0');
  expect(detailInWords({ what: 'operations due meanwhile', figure: exactly(1, 'x'), unit: 'count' })).toBe(
    '1 operation due meanwhile',
  );
});

const units = fc.constantFrom<Unit>('ms', 'bytes', 'count', 'ratio');
const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(Number.NaN, -0, Number.POSITIVE_INFINITY),
);
const anyFigure: fc.Arbitrary<Figure> = fc.oneof(
  fc.record({ lower: anyNumber, upper: anyNumber, source: fc.string() }),
  fc.record({ notMeasured: fc.constantFrom('', 'no observer') }),
);
const NONSENSE = /NaN|undefined|null|Infinity|-0(?![.\d])|\de[+-]?\d/;

test('whatever the number, no nonsense is printed', () => {
  fc.assert(
    fc.property(anyNumber, units, (value, unit) => {
      const words = quantity(value, unit);
      expect(words).not.toMatch(NONSENSE);
      expect(words).not.toBe('');
    }),
  );
});

test('whatever the figure and the bound, no nonsense is printed', () => {
  const bounds = fc.option(fc.double({ min: 0, max: 1e15, noNaN: true }));
  const verdicts = fc.constantFrom('pass', 'inconclusive', 'fail');
  fc.assert(
    fc.property(anyFigure, units, bounds, verdicts, (figure, unit, bound, verdict) => {
      const words = sentence({ ...finding, figure, unit, bound, verdict });
      expect(words).not.toMatch(NONSENSE);
      expect(figureInCell(figure, unit)).not.toMatch(NONSENSE);
    }),
  );
});

test('a longer time never has fewer milliseconds when it is read back', () => {
  const perUnit: Readonly<Record<string, number>> = { ms: 1, s: 1e3, min: 6e4, h: 3.6e6, d: 8.64e7 };
  const readBack = (words: string): number =>
    [...words.matchAll(/([\d.,]+) (ms|s|min|h|d)/g)].reduce(
      (sum, [, digits = '', unit = '']) =>
        sum + Number(digits.replaceAll(',', '')) * (perUnit[unit] ?? Number.NaN),
      0,
    );
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 1e10, noNaN: true }), (ms) => {
      expect(Math.abs(readBack(duration(ms)) - ms) / ms).toBeLessThan(0.02);
    }),
  );
});
