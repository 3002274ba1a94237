/**
 * Amounts as a user writes them: `20M` rows, `400/s`, `300ms`, `10GB`, `2x`. Pure; a wrong amount is a problem that
 * says what to write instead, never NaN. Whole amounts are computed exactly: `1.1M` is 1 100 000.
 */

/** What a scenario file may hold for an amount: text with a unit, or a bare number where that is natural. */
export type Written = string | number;

/** A value, or what is wrong with it and what to write instead. */
export type Parsed<Value> = { readonly value: Value } | { readonly problem: string };

/** Timers of Node.js and lock_timeout of Postgres are signed 32-bit milliseconds. */
export const LONGEST_DURATION_MS = 2_147_483_647;
/** Far above what one machine can send; a larger rate is a slip of the pen. */
export const HIGHEST_RATE_PER_SECOND = 1_000_000;

const COUNT_MULTIPLIERS = { '': 1, k: 1_000, m: 1_000_000, g: 1_000_000_000 } as const;
const DURATION_MULTIPLIERS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 } as const;
const RATE_SECONDS = { s: 1, min: 60, h: 3_600 } as const;
const BYTE_MULTIPLIERS = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
} as const;

/** Digits are limited so that no text can become Infinity. */
const NUMBER = '(\\d{1,15}(?:\\.\\d{1,9})?)';
const COUNT = new RegExp(`^${NUMBER}([kmg]?)$`, 'i');
const DURATION = new RegExp(`^${NUMBER} ?(ms|s|min|m|h)$`);
const RATE = new RegExp(`^${NUMBER} ?/ ?(s|min|h)$`);
const BYTES = new RegExp(`^${NUMBER} ?([kmgt]i?b|b)$`, 'i');
const RATIO = new RegExp(`^${NUMBER}x$`);
const BARE = new RegExp(`^-?${NUMBER}$`);

/** Rows and other counts: `200k`, `1.5M`, `2G`, or a plain whole number. */
export function parseCount(written: Written): Parsed<number> {
  const text = textOf(written);
  const [, digits, suffix] = COUNT.exec(text) ?? [];
  const multiplier = multiplierOf(COUNT_MULTIPLIERS, suffix?.toLowerCase());
  if (digits === undefined || multiplier === null)
    return wrong(text, 'not a count', 'a whole number such as 5000, 200k or 20M');
  const value = whole(digits, multiplier);
  if (value === null) return wrong(text, 'not a whole number that can be counted', 'for example 200k or 20M');
  return { value };
}

/** Milliseconds from `300ms`, `5s`, `15m` (or `15min`), `1h`; `0` needs no unit. */
export function parseDuration(written: Written): Parsed<number> {
  const text = textOf(written);
  if (text === '0') return { value: 0 };
  const [, digits, unit] = DURATION.exec(text) ?? [];
  const multiplier = multiplierOf(DURATION_MULTIPLIERS, unit);
  if (digits === undefined || multiplier === null)
    return BARE.test(text)
      ? wrong(text, 'a duration without a unit', `${text}ms or ${text}s`)
      : wrong(text, 'not a duration', 'a number with ms, s, m or h, such as 300ms, 5s, 15m or 1h');
  const value = whole(digits, multiplier);
  if (value === null) return wrong(text, 'finer than a millisecond', 'whole milliseconds, such as 300ms');
  if (value > LONGEST_DURATION_MS) return wrong(text, 'too long', 'at most 596h');
  return { value };
}

/** As {@link parseDuration}, with a minus sign for an instant before the one that is counted from. */
export function parseSignedDuration(written: Written): Parsed<number> {
  const text = textOf(written);
  if (!text.startsWith('-')) return parseDuration(text);
  const parsed = parseDuration(text.slice(1));
  if ('problem' in parsed)
    return wrong(text, 'not a duration', 'a number with ms, s, m or h, such as -2s, 0 or 500ms');
  return { value: parsed.value === 0 ? 0 : -parsed.value };
}

/** Arrivals per second from `400/s`, `24000/min`, `100/h`; `0` needs no unit and means none. */
export function parseRate(written: Written): Parsed<number> {
  const text = textOf(written);
  if (text === '0') return { value: 0 };
  const [, digits, unit] = RATE.exec(text) ?? [];
  const seconds = multiplierOf(RATE_SECONDS, unit);
  if (digits === undefined || seconds === null)
    return BARE.test(text)
      ? wrong(text, 'a rate without a unit', `${text}/s or ${text}/min`)
      : wrong(text, 'not a rate', 'arrivals per time, such as 400/s or 24000/min');
  const value = Number(digits) / seconds;
  if (value > HIGHEST_RATE_PER_SECOND) return wrong(text, 'too high', `at most ${HIGHEST_RATE_PER_SECOND}/s`);
  return { value };
}

/** Bytes: `10GB` is decimal, `512MiB` is binary, as the units are defined by IEC 80000-13. */
export function parseBytes(written: Written): Parsed<number> {
  const text = textOf(written);
  if (text === '0') return { value: 0 };
  const [, digits, unit] = BYTES.exec(text) ?? [];
  const multiplier = multiplierOf(BYTE_MULTIPLIERS, unit?.toLowerCase());
  if (digits === undefined || multiplier === null)
    return BARE.test(text)
      ? wrong(text, 'a size without a unit', `${text}MB or ${text}GB`)
      : wrong(text, 'not a size', 'a number with a unit, such as 512MiB or 10GB');
  const value = whole(digits, multiplier);
  if (value === null) return wrong(text, 'not a whole number of bytes', 'for example 512MiB or 10GB');
  return { value };
}

/** Growth: a multiple of the size before (`2x`), or bytes (`10GB`). */
export function parseGrowth(
  written: Written,
): Parsed<{ readonly ratio: number } | { readonly bytes: number }> {
  const ratio = ratioOf(written);
  if (ratio !== null) return { value: { ratio } };
  const bytes = parseBytes(written);
  if ('value' in bytes) return { value: { bytes: bytes.value } };
  return wrong(textOf(written), 'not a growth', 'a multiple of the size before such as 2x, or 10GB');
}

/** Latency: a multiple of the baseline's (`5x`), or a duration (`200ms`). */
export function parseLatency(written: Written): Parsed<{ readonly ratio: number } | { readonly ms: number }> {
  const ratio = ratioOf(written);
  if (ratio !== null) return { value: { ratio } };
  const duration = parseDuration(written);
  if ('value' in duration) return { value: { ms: duration.value } };
  return wrong(textOf(written), 'not a latency', 'a multiple of the baseline such as 5x, or 200ms');
}

function ratioOf(written: Written): number | null {
  const digits = RATIO.exec(textOf(written))?.[1];
  return digits === undefined ? null : Number(digits);
}

function textOf(written: Written): string {
  return String(written).trim();
}

function multiplierOf(table: Readonly<Record<string, number>>, unit: string | undefined): number | null {
  if (unit === undefined || !Object.hasOwn(table, unit)) return null;
  return table[unit] ?? null;
}

/** digits x multiplier when that is a whole number that a double holds exactly, else null. */
function whole(digits: string, multiplier: number): number | null {
  const [before = '', after = ''] = digits.split('.');
  const scaled = BigInt(before + after) * BigInt(multiplier);
  const divisor = 10n ** BigInt(after.length);
  if (scaled % divisor !== 0n) return null;
  const value = Number(scaled / divisor);
  return Number.isSafeInteger(value) ? value : null;
}

function wrong(text: string, what: string, instead: string): { readonly problem: string } {
  return { problem: `"${text}" is ${what}: write ${instead}` };
}
