/** Sources of text: values of a pool, cut to what the column holds, with the row number worked in where it must be unique. */
import type { ColumnDescription } from '../../engines/engine.ts';
import type { ColumnDataPlan } from '../../scenario/plan.ts';
import { patternTexts } from '../checks/pattern.ts';
import type { ColumnRules } from '../checks/rules.ts';
import { hashBelow } from '../random.ts';
import { type Embedding, FALLBACKS, type Pools, textKindOf } from './pools.ts';
import { withRaw } from './raw.ts';
import { sourceOf, toldApart, UNBOUNDED, type ValueSource } from './source.ts';

/** Longest text that is ever made. */
const LONGEST = 1_000_000;
/** Shorter columns hold a code made of the row number alone when they must be unique. */
const ROOM_FOR_WORDS = 12;
const ROOM_FOR_EMAIL = 32;
/** With fewer matching values another pool is tried, then the pattern itself. */
const ENOUGH_VALUES = 16;

export interface TextRequest {
  readonly table: string;
  readonly column: ColumnDescription;
  readonly rules: ColumnRules;
  readonly override: ColumnDataPlan | null;
  readonly seed: number;
  readonly pools: Pools;
}

/** Null when no text was found that meets the patterns and the length together. */
export function textSource(request: TextRequest): ValueSource | null {
  const { column, override, seed, pools } = request;
  const rules = paddedRules(request);
  const limit = Math.min(column.type.maxLength ?? LONGEST, rules.maxLength ?? LONGEST);
  if (rules.minLength > limit) return null;
  const fit = fitter(rules, { limit, repertoire: column.type.repertoire ?? null });
  const isRight = checker(rules, limit);
  const kind = textKindOf(nameFor(request.table, column.name), column.type.maxLength);
  const own = once(() => {
    if (override?.faker != null) return pools.ofFaker(override.faker).map(fit);
    if (override?.width != null) return pools.ofWidth(Math.min(override.width, limit)).map(fit);
    return pools.ofKind(kind).map(fit);
  });
  // A wrong name of a faker function shall be told at once.
  if (override?.faker != null) own();
  const embedding = {
    ...{ kind: kind.embedding, limit, rules, fixed: column.type.base === 'bpchar', seed },
    distinctLength: Math.min(limit, column.distinctLength ?? limit),
  };
  if (rules.patterns.length === 0 && rules.excluded.length === 0) return pooled(own, embedding);
  const fallbacks = [own, ...FALLBACKS.map((each) => once(() => pools.ofKind(each).map(fit)))];
  const made = patternSource(rules, { limit, seed, isRight });
  for (const pool of fallbacks) {
    const right = pool().filter(isRight);
    if (right.length < ENOUGH_VALUES) continue;
    const source = pooled(() => right, embedding);
    if (SAMPLES.every((ordinal) => isRight(String(source.unique(ordinal))))) return source;
    if (made !== null) return pool === own ? { ...made, plain: source.plain } : made;
    const distinct = toldApart(right);
    return { ...source, capacity: distinct.length, unique: (ordinal) => distinct[ordinal] ?? null };
  }
  return made;
}

/** How the letter case of a text is made right, and whether a text is: by patterns, length and what is excluded. */
export function textRules(request: Pick<TextRequest, 'column' | 'rules'>): {
  readonly fold: (text: string) => string;
  readonly isRight: (text: string) => boolean;
} {
  const rules = paddedRules(request);
  const limit = Math.min(request.column.type.maxLength ?? LONGEST, rules.maxLength ?? LONGEST);
  return { fold: folder(rules), isRight: checker(rules, limit) };
}

/** `character(n)` is padded with blanks, which patterns see. */
function paddedRules({ column, rules }: Pick<TextRequest, 'column' | 'rules'>): ColumnRules {
  const { base, maxLength } = column.type;
  const looked = rules.patterns.length + rules.tests.length + rules.readFrom.length > 0;
  if (base !== 'bpchar' || maxLength === null || !looked || (rules.maxLength ?? maxLength) < maxLength)
    return rules;
  return { ...rules, minLength: maxLength };
}

function once(make: () => readonly string[]): () => readonly string[] {
  let made: readonly string[] | null = null;
  return () => {
    if (made === null) made = make();
    return made;
  };
}

function pooled(pool: () => readonly string[], request: Omit<EmbedRequest, 'pool'>): ValueSource {
  return sourceOf({ ...embedder({ ...request, pool }), plain: plainFrom(pool, request.seed) });
}

const SAMPLES: readonly number[] = [0, 1, 7, 12, 99, 4711, 123_456, 87_654_321];

function plainFrom(pool: () => readonly string[], seed: number): (row: number) => string {
  let values: readonly string[] | null = null;
  const plain = (row: number) => {
    if (values === null) values = pool();
    return values[hashBelow(seed, row, values.length)] ?? '';
  };
  withRaw(plain, () => {
    const { length } = pool();
    return { kind: 'choice', values: pool, at: (row) => hashBelow(seed, row, length) };
  });
  return plain;
}

/** `products.name` holds names of products, `users.name` those of people. */
export function nameFor(table: string, column: string): string {
  return /^name$/i.test(column) ? `${(table.split('.').at(-1) ?? table).replace(/s$/i, '')}_name` : column;
}

interface Fit {
  readonly limit: number;
  readonly repertoire: 'ascii' | 'latin1' | null;
}

function fitter(rules: ColumnRules, { limit, repertoire }: Fit): (value: string) => string {
  const fold = folder(rules);
  return (given) => {
    const value = repertoire === null ? given : within(repertoire, given);
    const text = fold(value.length > limit ? value.slice(0, limit).trim() : value);
    return text.length < rules.minLength
      ? text.padEnd(rules.minLength, rules.letterCase === 'upper' ? 'X' : 'x')
      : text;
  };
}

const FOREIGN = { ascii: /[\u0080-\u{10ffff}]/gu, latin1: /[\u0080-\u009f\u0100-\u{10ffff}]/gu };

/** Without accents where the accented letters cannot be kept, and a question mark for what is left. */
function within(repertoire: 'ascii' | 'latin1', text: string): string {
  const foreign = FOREIGN[repertoire];
  return text
    .replace(foreign, (character) => character.normalize('NFD').replace(/\p{Mn}/gu, ''))
    .replace(foreign, '?');
}

function folder({ letterCase }: ColumnRules): (text: string) => string {
  if (letterCase === null) return (text) => text;
  return letterCase === 'lower' ? (text) => text.toLowerCase() : (text) => text.toUpperCase();
}

function checker(rules: ColumnRules, limit: number): (text: string) => boolean {
  const patterns = rules.patterns.map(({ source, ignoreCase }) => new RegExp(source, ignoreCase ? 'i' : ''));
  return (text) =>
    text.length >= rules.minLength &&
    text.length <= limit &&
    !rules.excluded.includes(text) &&
    patterns.every((pattern) => pattern.test(text));
}

function patternSource(
  rules: ColumnRules,
  { limit, seed, isRight }: { limit: number; seed: number; isRight: (text: string) => boolean },
): ValueSource | null {
  const fold = folder(rules);
  for (const { source } of rules.patterns) {
    const texts = patternTexts(source, limit, { seed, fold });
    if (texts === null) continue;
    const ordinals = SAMPLES.filter((ordinal) => ordinal < texts.capacity);
    if (!ordinals.map(texts.unique).every(isRight)) continue;
    if (SAMPLES.map(texts.plain).every(isRight)) return sourceOf(texts);
    // Of one length, where others are too short.
    const numbers = Math.min(texts.capacity, MOST_NUMBERS);
    return sourceOf({ ...texts, plain: (row) => texts.unique(hashBelow(seed, row, numbers)) });
  }
  return null;
}

/** As far as a hash counts. */
const MOST_NUMBERS = 2 ** 32 - 1;

interface EmbedRequest {
  readonly kind: Embedding;
  readonly limit: number;
  readonly rules: ColumnRules;
  /** `character(n)`: all values have the full length. */
  readonly fixed: boolean;
  readonly pool: () => readonly string[];
  readonly seed: number;
  /** Texts have to differ in their first characters, of which there are so many at most. */
  readonly distinctLength: number;
}

interface Embedded {
  readonly capacity: number;
  readonly unique: (ordinal: number) => string;
}

/**
 * Different ordinals give different texts, also when upper and lower case are the same: the digits at the end (before
 * the @ of an address) are the ordinal, and what stands before them is no digit.
 */
function embedder(request: EmbedRequest): Embedded {
  const { kind, limit, rules, fixed, pool, seed, distinctLength } = request;
  if (distinctLength < limit) return headed(request);
  const fold = folder(rules);
  if (kind === 'local part' && limit >= ROOM_FOR_WORDS && limit < ROOM_FOR_EMAIL)
    return {
      capacity: Math.min(UNBOUNDED, 36 ** (limit - 6)),
      unique: (ordinal) => fold(`u${ordinal.toString(36).padStart(rules.minLength - 6, '0')}@x.io`),
    };
  if (limit < ROOM_FOR_WORDS) {
    const length = fixed ? limit : rules.minLength;
    return {
      capacity: Math.min(UNBOUNDED, 36 ** limit),
      unique: (ordinal) => {
        const code = ordinal.toString(36).padStart(length, '0');
        return rules.letterCase === 'lower' ? code : code.toUpperCase();
      },
    };
  }
  const capacity = Math.min(UNBOUNDED, 10 ** (limit - 2));
  if (kind === 'digits' && limit >= 14 && rules.minLength <= 12)
    return { capacity, unique: (ordinal) => `+1${2_000_000_000 + ordinal}` };
  const plain = plainFrom(pool, seed);
  return {
    capacity,
    unique: (ordinal) => {
      const value = plain(ordinal);
      const [before, after] = splitFor(kind, value, ordinal);
      const text = before.slice(0, Math.max(0, limit - after.length)) + after;
      return fold(text.length < rules.minLength ? 'x'.repeat(rules.minLength - text.length) + text : text);
    },
  };
}

/** Texts that differ in what a key keeps of them: short enough for it, or with the ordinal in front. */
function headed(request: EmbedRequest): Embedded {
  const { kind, limit, rules, pool, seed, distinctLength } = request;
  const lengthRoom = rules.minLength <= distinctLength;
  if (distinctLength >= ROOM_FOR_WORDS && lengthRoom) return embedder({ ...request, limit: distinctLength });
  const fold = folder(rules);
  const plain = plainFrom(pool, seed);
  const joint = kind === 'local part' ? '.' : '-';
  const digits = Math.min(distinctLength, ROOM_FOR_WORDS);
  return {
    capacity: Math.min(UNBOUNDED, 36 ** digits),
    unique: (ordinal) => {
      const code = ordinal.toString(36).padStart(digits, '0');
      return fold(`${code}${joint}${plain(ordinal)}`.slice(0, limit).padEnd(rules.minLength, 'x'));
    },
  };
}

function splitFor(kind: Embedding, value: string, ordinal: number): [string, string] {
  const at = kind === 'local part' ? value.indexOf('@') : -1;
  if (at > 0) return [value.slice(0, at), `.${ordinal}${value.slice(at)}`];
  if (kind === 'path') return [value, `/${ordinal}`];
  return [value, `${value.includes(' ') ? ' ' : '-'}${ordinal}`];
}
