import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  LONGEST_DURATION_MS,
  type Parsed,
  parseBytes,
  parseCount,
  parseDuration,
  parseGrowth,
  parseLatency,
  parseRate,
  parseSignedDuration,
  type Written,
} from './units.ts';

/** As a user would print it: the digits of value / multiplier, exact. */
function printed(value: number, multiplier: number, unit: string): string {
  const decimals = Math.log10(multiplier);
  const digits = String(value).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const rest = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return `${whole}${rest === '' ? '' : `.${rest}`}${unit}`;
}

test('a count that is printed and parsed is the same count, in every unit', () => {
  const units = fc.constantFrom([1, ''], [1e3, 'k'], [1e6, 'M'], [1e9, 'G'] as const);
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 }), units, (value, [multiplier, unit]) => {
      expect(parseCount(printed(value, Number(multiplier), String(unit)))).toEqual({ value });
    }),
  );
});

test('a duration that is printed and parsed is the same duration', () => {
  const units = fc.constantFrom(
    { ms: 1, unit: 'ms' },
    { ms: 60_000, unit: 'm' },
    { ms: 3_600_000, unit: 'h' },
  );
  fc.assert(
    fc.property(fc.nat({ max: 500 }), units, (amount, { ms, unit }) => {
      expect(parseDuration(`${amount}${unit}`)).toEqual({ value: amount * ms });
    }),
  );
  fc.assert(
    fc.property(fc.nat({ max: LONGEST_DURATION_MS }), (value) => {
      expect(parseDuration(printed(value, 1_000, 's'))).toEqual({ value });
      expect(parseSignedDuration(`-${value}ms`)).toEqual({ value: value === 0 ? 0 : -value });
    }),
  );
});

test('bytes and rates that are printed and parsed are the same', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 }), (value) => {
      expect(parseBytes(printed(value, 1e9, 'GB'))).toEqual({ value });
      expect(parseBytes(`${value}KiB`)).toEqual({ value: value * 1024 });
    }),
  );
  fc.assert(
    fc.property(fc.nat({ max: 1_000_000 }), (value) => {
      expect(parseRate(`${value}/s`)).toEqual({ value });
      expect(parseRate(`${value}/min`)).toEqual({ value: value / 60 });
    }),
  );
});

test('garbage gives a problem that says what to write, and a value is never NaN or infinite', () => {
  const parsers: readonly ((written: Written) => Parsed<unknown>)[] = [
    parseCount,
    parseDuration,
    parseSignedDuration,
    parseRate,
    parseBytes,
    parseGrowth,
    parseLatency,
  ];
  const nearMisses = fc.stringMatching(/^-?[0-9.e_, ]{0,400}(k|M|ms|s|min|h|x|GB|MiB|\/s)?$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearMisses, fc.double()), (written) => {
      for (const parse of parsers) {
        const parsed = parse(written);
        if ('problem' in parsed) {
          expect(parsed.problem).toMatch(/: write ./);
          continue;
        }
        const { value } = parsed;
        const numbers = typeof value === 'object' && value !== null ? Object.values(value) : [value];
        expect(numbers.every(Number.isFinite)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test.each<[(written: Written) => Parsed<unknown>, Written, unknown]>([
  [parseCount, '1M', 1_000_000],
  [parseCount, '1.1M', 1_100_000],
  [parseCount, 200_000, 200_000],
  [parseCount, '200K', 200_000],
  [parseDuration, '300ms', 300],
  [parseDuration, '0.3s', 300],
  [parseDuration, '15m', 900_000],
  [parseDuration, '15min', 900_000],
  [parseDuration, '1h', 3_600_000],
  [parseDuration, 0, 0],
  [parseSignedDuration, '-2s', -2_000],
  [parseRate, '24000/min', 400],
  [parseRate, '0', 0],
  [parseBytes, '10GB', 10e9],
  [parseBytes, '512MiB', 512 * 2 ** 20],
  [parseGrowth, '2x', { ratio: 2 }],
  [parseGrowth, '10GB', { bytes: 10e9 }],
  [parseLatency, '5x', { ratio: 5 }],
  [parseLatency, '200ms', { ms: 200 }],
])('%o reads %j as %j', (parse, written, value) => {
  expect(parse(written)).toEqual({ value });
});

test.each<[(written: Written) => Parsed<unknown>, Written, string]>([
  [parseCount, '1.5', '"1.5" is not a whole number that can be counted: write for example 200k or 20M'],
  [parseCount, '20 million', '"20 million" is not a count: write a whole number such as 5000, 200k or 20M'],
  [parseCount, '-5', '"-5" is not a count: write a whole number such as 5000, 200k or 20M'],
  [parseDuration, 500, '"500" is a duration without a unit: write 500ms or 500s'],
  [
    parseDuration,
    '5 sec',
    '"5 sec" is not a duration: write a number with ms, s, m or h, such as 300ms, 5s, 15m or 1h',
  ],
  [parseDuration, '0.5ms', '"0.5ms" is finer than a millisecond: write whole milliseconds, such as 300ms'],
  [parseDuration, '600h', '"600h" is too long: write at most 596h'],
  [parseRate, 400, '"400" is a rate without a unit: write 400/s or 400/min'],
  [parseRate, '400 per s', '"400 per s" is not a rate: write arrivals per time, such as 400/s or 24000/min'],
  [parseRate, '2000000/s', '"2000000/s" is too high: write at most 1000000/s'],
  [parseBytes, 10, '"10" is a size without a unit: write 10MB or 10GB'],
  [parseGrowth, 2, '"2" is not a growth: write a multiple of the size before such as 2x, or 10GB'],
  [parseLatency, '5', '"5" is not a latency: write a multiple of the baseline such as 5x, or 200ms'],
])('%o refuses %j', (parse, written, problem) => {
  expect(parse(written)).toEqual({ problem });
});
