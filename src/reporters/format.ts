/** Numbers into words; no other file does this. Pure, in English, and never "NaN", "undefined" or "-0". */
import type { Detail, Finding, Unit, Verdict } from '../checks/check.ts';
import type { Figure } from '../recording/figure.ts';
import { isMeasured } from '../recording/figure.ts';

/** Digits that a reader takes in at a glance. */
const DIGITS = 3;
/** More than this tell nothing that a clock or a file system could know. */
const MAX_DIGITS = 7;
/** Bounds closer than this share of the figure are one figure to a reader; a recording keeps both. */
const ONE_FIGURE_SHARE = 0.01;
/** A growth below one percent is of no interest to a budget in multiples. */
const LEAST_RATIO = 0.01;
const UNKNOWN = 'not measured';

/** "4.97 s": milliseconds in the unit that keeps it short; three digits up to a minute, then two units. */
export function duration(ms: number, digits = DIGITS): string {
  if (!isNumber(ms)) return UNKNOWN;
  if (ms < 0) return negative(duration(-ms, digits));
  if (Number(rounded(ms, digits)) < 1000) return `${plain(ms, digits)} ms`;
  if (Number(rounded(ms / 1000, digits)) < 60) return `${plain(ms / 1000, digits)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return twoUnits(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 2880) return twoUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  return twoUnits(Math.floor(minutes / 1440), 'd', Math.round((minutes % 1440) / 60), 'h');
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${count(large)} ${largeUnit}` : `${count(large)} ${largeUnit} ${small} ${smallUnit}`;
}

/** What rounds to nothing has no sign. */
function negative(words: string): string {
  return words.startsWith('0 ') ? words : `-${words}`;
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** "37 MB": decimal units, as IEC 80000-13 has them. */
export function bytes(value: number, digits = DIGITS): string {
  if (!isNumber(value)) return UNKNOWN;
  if (value < 0) return negative(bytes(-value, digits));
  let scaled = Math.round(value);
  for (const unit of BYTE_UNITS) {
    if (Number(rounded(scaled, digits)) < 1000) return `${plain(scaled, digits)} ${unit}`;
    scaled /= 1000;
  }
  return `${count(scaled * 1000)} PB`;
}

/** "63.204": milliseconds as seconds, for a column of instants. */
export function secondsAlone(ms: number): string {
  if (!isNumber(ms)) return UNKNOWN;
  return ((Math.round(ms) || 0) / 1000).toFixed(3);
}

/** "11.4 B": a mean of bytes, with what is behind the point. */
export function meanBytes(value: number): string {
  return isNumber(value) && Math.abs(value) < 1000 ? `${plain(value, DIGITS)} B` : bytes(value);
}

/** "1,204,000" */
export function count(value: number): string {
  if (!isNumber(value)) return UNKNOWN;
  return (Math.round(value) || 0).toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** "3.4", "1,200": a mean of a count, with what is behind the point where that matters. */
export function mean(value: number): string {
  return isNumber(value) && Math.abs(value) < 100 ? plain(value, 2) : count(value);
}

/** "2x", "0.29x" */
export function ratio(value: number, digits = DIGITS): string {
  if (!isNumber(value)) return UNKNOWN;
  return value > 0 && value < LEAST_RATIO ? `under ${LEAST_RATIO}x` : `${plain(value, digits)}x`;
}

/** "6.4 %" of a share between 0 and 1. */
export function percent(share: number): string {
  return isNumber(share) ? `${plain(share * 100, 2)} %` : UNKNOWN;
}

/** "198/s" */
export function rate(perSecond: number): string {
  return isNumber(perSecond) ? `${perSecondAlone(perSecond)}/s` : UNKNOWN;
}

/** "198", for a column that says what it is. */
export function perSecondAlone(perSecond: number): string {
  return isNumber(perSecond) ? plain(perSecond, DIGITS) : UNKNOWN;
}

/** A value in its unit. */
export function quantity(value: number, unit: Unit, digits = DIGITS): string {
  switch (unit) {
    case 'ms':
      return duration(value, digits);
    case 'bytes':
      return bytes(value, digits);
    case 'count':
      return count(value);
    case 'ratio':
      return ratio(value, digits);
  }
}

/** "4.97 s", "between 1.2 s and 1.4 s", "at most 20 ms", "not measured: reason" */
export function figureInWords(figure: Figure, unit: Unit, digits = DIGITS): string {
  if (!isMeasured(figure)) return `${UNKNOWN}: ${reasonOf(figure)}`;
  const { lower, upper } = figure;
  if (!isNumber(lower) || !isNumber(upper)) return UNKNOWN;
  if (lower === 0 && upper > 0) return `at most ${quantity(upper, unit, digits)}`;
  if (upper - lower <= Math.abs(upper) * ONE_FIGURE_SHARE) return quantity((lower + upper) / 2, unit, digits);
  return interval(lower, upper, unit, digits);
}

/** The same for a narrow cell of a table: "1.2 s – 1.4 s", "< 20 ms", "–" when not measured. */
export function figureInCell(figure: Figure, unit: Unit): string {
  if (!isMeasured(figure)) return '–';
  return figureInWords(figure, unit)
    .replace(/^at most /, '≤ ')
    .replace(/^between (.*) and (.*)$/, '$1 – $2');
}

function interval(lower: number, upper: number, unit: Unit, digits: number): string {
  const [from, to] = [quantity(lower, unit, digits), quantity(upper, unit, digits)];
  return from === to ? from : `between ${from} and ${to}`;
}

/** "orders: 4.97 s wait of the migration for AccessExclusiveLock behind session 4711, budget 500 ms" */
export function sentence(finding: Finding): string {
  const { subject, what, figure, unit, bound, reason } = finding;
  const budget = bound === null ? '' : `, budget ${quantity(bound, unit)}`;
  if (!isMeasured(figure)) {
    return bound === null
      ? `${subject}: ${reasonOf(figure)}`
      : `${subject}: ${what} not measured: ${reasonOf(figure)}${budget}`;
  }
  const because = reason === null ? '' : `; inconclusive: ${reason}`;
  return `${subject}: ${toldFromBound(finding)} ${inNumber(figure, unit, what)}${budget}${because}`;
}

/** Figure of a finding with as many digits as it takes to tell it from its bound. */
function toldFromBound({ figure, unit, bound, verdict }: Finding): string {
  if (bound === null || !isMeasured(figure)) return figureInWords(figure, unit);
  const straddles = figure.lower <= bound && bound < figure.upper;
  for (let digits = DIGITS; digits < MAX_DIGITS; digits += 1) {
    const words = straddles
      ? interval(figure.lower, figure.upper, unit, digits)
      : figureInWords(figure, unit, digits);
    if (verdict === 'pass' || words !== quantity(bound, unit, digits)) return words;
  }
  return figureInWords(figure, unit, MAX_DIGITS);
}

/** "407 operations at once in the queue of the application's pool" */
export function detailInWords({ what, figure, unit }: Detail): string {
  if (figure === null) return what;
  if (!isMeasured(figure)) return `${what}: ${figureInWords(figure, unit)}`;
  const value = figureInWords(figure, unit);
  return unit === 'count' ? `${value} ${inNumber(figure, unit, what)}` : `${what}: ${value}`;
}

/** What a finding that did not pass is made of, the first `shown` of it; empty for one that passed. */
export function detailsInWords({ verdict, details }: Finding, shown: number): string {
  if (verdict === 'pass') return '';
  const hidden = details.length - shown;
  return [
    ...details.slice(0, shown).map(detailInWords),
    ...(hidden > 0 ? [`and ${count(hidden)} more`] : []),
  ].join('; ');
}

/** "operation" after a count of one; texts of the checks begin with the noun and have no verb that changes. */
function inNumber(figure: Figure, unit: Unit, what: string): string {
  const one = unit === 'count' && isMeasured(figure) && figure.lower === 1 && figure.upper === 1;
  return one ? what.replace(/^(operation|attempt|stretch|column|session|row)(?:e?s)\b/, '$1') : what;
}

/** "1 operation", "2 operations" */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${Math.round(value) === 1 ? '' : 's'}`;
}

export function verdictInWords(verdict: Verdict): string {
  return { pass: 'PASS', inconclusive: 'INCONCLUSIVE', fail: 'FAIL' }[verdict];
}

/** "2026-03-02 09:14:07 UTC" */
export function instant(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time)
    ? 'at an unknown time'
    : `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function reasonOf(figure: { readonly notMeasured: string } | Figure): string {
  const reason = 'notMeasured' in figure ? figure.notMeasured : '';
  return reason === '' ? 'no reason is known' : reason;
}

function isNumber(value: number): boolean {
  return Number.isFinite(value);
}

/** At most `digits` significant digits, none behind the point that says nothing, and no exponent. */
function plain(value: number, digits: number): string {
  const number = Number(rounded(value, digits)) || 0;
  return number.toLocaleString('en-US', { maximumFractionDigits: 9, maximumSignificantDigits: 15 });
}

/** Whole numbers keep all their digits. */
function rounded(value: number, digits: number): string {
  return Math.abs(value) >= 10 ** digits ? value.toFixed(0) : value.toPrecision(digits);
}
