/** Dates and times as text, fast: cached day strings, no Date object per value. Unit: seconds since the epoch, UTC. */

export const DAY = 86_400;

/** First instant of made-up history: 2020-01-01. */
export const HISTORY_FROM = 1_577_836_800;
/** Last instant of made-up history, 2025-01-01: in the past wherever this runs, so that `x <= now()` holds. */
export const HISTORY_TO = 1_735_689_600;
/** 2090-01-01: in the future wherever this runs, so that `x > now()` holds. */
export const FAR_FUTURE = 3_786_912_000;
/** 1900-01-01 and 9999-12-31, the outer limits of made-up dates. */
export const EARLIEST = -2_208_988_800;
export const LATEST = 253_402_214_400;

/** Rows arrive at a rate that grows linearly: instant = start + 15 780 s * sqrt(row); 100 M rows span five years. */
const ARRIVAL_SECONDS = 15_780;

/** Instant at which a row of an ever growing table was made; ascending in row order, independent of the volume. */
export function arrivalOf(row: number): number {
  return Math.floor(HISTORY_FROM + ARRIVAL_SECONDS * Math.sqrt(row));
}

const days = new Map<number, string>();
const MAX_CACHED_DAYS = 50_000;
const TWO_DIGITS: readonly string[] = Array.from({ length: 60 }, (_, index) =>
  String(index).padStart(2, '0'),
);

/** `2024-02-29` */
export function formatDate(seconds: number): string {
  const day = Math.floor(seconds / DAY);
  const known = days.get(day);
  if (known !== undefined) return known;
  const text = new Date(day * DAY * 1000).toISOString().slice(0, 10);
  if (days.size < MAX_CACHED_DAYS) days.set(day, text);
  return text;
}

/** `23:59:08`, from seconds of any day. */
export function formatTime(seconds: number): string {
  const ofDay = seconds - Math.floor(seconds / DAY) * DAY;
  const minutes = Math.floor(ofDay / 60);
  const hour = Math.floor(minutes / 60);
  return `${TWO_DIGITS[hour]}:${TWO_DIGITS[minutes - hour * 60]}:${TWO_DIGITS[ofDay - minutes * 60]}`;
}

/** `2024-02-29 23:59:08` */
export function formatTimestamp(seconds: number): string {
  return `${formatDate(seconds)} ${formatTime(seconds)}`;
}

const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(?:Z|([+-])(\d{2})(?::?(\d{2}))?)?$/;

/** Seconds of a date or timestamp as the engines print it; null for anything else. Fractions are cut off. */
export function parseInstant(text: string): number | null {
  const match = INSTANT.exec(text.trim());
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, sign, zoneHour, zoneMinute] = match;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  // Zero dates and the 31st of February, which Date would make others of.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  const local = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
  );
  const offset = (Number(zoneHour ?? 0) * 60 + Number(zoneMinute ?? 0)) * 60 * (sign === '-' ? -1 : 1);
  return local / 1000 - offset;
}

/** Seconds of the day of `HH:MM[:SS]`; null for anything else. */
export function parseTime(text: string): number | null {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2}))?/.exec(text.trim());
  if (match === null) return null;
  return Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3] ?? 0);
}
