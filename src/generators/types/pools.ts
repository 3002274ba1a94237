/**
 * Pools of values made by faker once per random seed: calling faker for each cell is 23 times slower. Which pool a
 * text column draws from follows from its name.
 */
import type { Faker } from '@faker-js/faker';
// The package's index reads every language: 43 MiB and 0.18 s for each thread, where this one takes 11 MiB and 0.02 s.
import { faker as english } from '@faker-js/faker/locale/en';
import { UsageError } from '../../errors.ts';
import { hash, seedOf } from '../random.ts';

/** Values in a pool. */
export const POOL_SIZE = 4096;
/** Pools of long text hold fewer values, so that one takes at most about this many characters. */
const MAX_POOL_CHARACTERS = 4_000_000;
/** Faker's dates count from here instead of from now, so that every run makes the same. */
const REFERENCE_DATE = '2025-01-01T00:00:00Z';

/** How a row number is worked into a value to make it unique. */
export type Embedding = 'local part' | 'path' | 'word' | 'digits';

export interface TextKind {
  readonly kind: string;
  readonly name: RegExp;
  readonly make: (faker: Faker) => string;
  readonly embedding: Embedding;
}

const CODE = /(^|_)(code|sku|reference|ref|token|serial|isbn|barcode|ean|hash|key|slug_id|number|no)$/i;

/** The first one whose name matches counts. */
const KINDS: readonly TextKind[] = [
  kind('email', /e?mail/i, (f) => f.internet.email().toLowerCase(), 'local part'),
  kind(
    'url',
    /(^|_)(url|uri|link|href|website|homepage|webhook|endpoint|avatar|image|photo)/i,
    (f) => f.internet.url({ appendSlash: false }),
    'path',
  ),
  kind(
    'phone',
    /phone|mobile|(^|_)(tel|fax|cell)(_|$)/i,
    (f) => f.phone.number({ style: 'international' }),
    'digits',
  ),
  kind('ip', /(^|_)ip(_|$)|ip_?address|remote_addr/i, (f) => f.internet.ipv4(), 'word'),
  kind('user agent', /user_?agent/i, (f) => f.internet.userAgent(), 'word'),
  kind(
    'user name',
    /user_?name|login|handle|nick|screen_?name/i,
    (f) => f.internet.username().toLowerCase(),
    'word',
  ),
  kind('password', /passw|secret|digest|salt/i, (f) => f.string.alphanumeric(40), 'word'),
  kind('first name', /(first|given|fore)_?name/i, (f) => f.person.firstName(), 'word'),
  kind('last name', /(last|family|sur)_?name/i, (f) => f.person.lastName(), 'word'),
  kind(
    'company',
    /company|organi[sz]ation|employer|vendor|supplier|merchant|brand|manufacturer/i,
    (f) => f.company.name(),
    'word',
  ),
  kind('product', /product|(^|_)item(_|$)|article/i, (f) => f.commerce.productName(), 'word'),
  kind('file', /file|path|attachment/i, (f) => f.system.filePath(), 'word'),
  kind(
    'person',
    /(full|display|contact|customer|user|author|recipient|billing|shipping)_?name/i,
    (f) => f.person.fullName(),
    'word',
  ),
  kind('street', /street|address|(^|_)addr/i, (f) => f.location.streetAddress(), 'word'),
  kind('city', /city|town|(^|_)location/i, (f) => f.location.city(), 'word'),
  kind('postcode', /post_?(al_?)?code|(^|_)zip/i, (f) => f.location.zipCode(), 'word'),
  kind('country code', /country_?code/i, (f) => f.location.countryCode(), 'word'),
  kind('country', /country|nation/i, (f) => f.location.country(), 'word'),
  kind('state', /(^|_)(state|province|county|region)$/i, (f) => f.location.state(), 'word'),
  kind('currency', /currency/i, (f) => f.finance.currencyCode(), 'word'),
  kind('iban', /iban|account_?number/i, (f) => f.finance.iban(), 'word'),
  kind(
    'locale',
    /locale|language|(^|_)lang(_|$)/i,
    (f) => f.helpers.arrayElement(['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'ja', 'zh']),
    'word',
  ),
  kind('time zone', /time_?zone|(^|_)tz$/i, (f) => f.location.timeZone(), 'word'),
  kind('colour', /colou?r/i, (f) => f.color.human(), 'word'),
  kind(
    'status',
    /status|(^|_)state$|phase|stage/i,
    (f) =>
      f.helpers.weightedArrayElement([
        { value: 'active', weight: 70 },
        { value: 'pending', weight: 15 },
        { value: 'closed', weight: 10 },
        { value: 'failed', weight: 5 },
      ]),
    'word',
  ),
  kind('job', /job|occupation|profession|position/i, (f) => f.person.jobTitle(), 'word'),
  kind('gender', /gender|(^|_)sex$/i, (f) => f.person.sex(), 'word'),
  kind('department', /department|category|(^|_)group/i, (f) => f.commerce.department(), 'word'),
  kind('code', CODE, (f) => f.string.alphanumeric({ length: 10, casing: 'upper' }), 'word'),
  kind('slug', /slug|permalink/i, (f) => f.lorem.slug(3), 'word'),
  kind(
    'title',
    /title|subject|headline|caption|label|summary/i,
    (f) => f.lorem.sentence({ min: 3, max: 7 }).slice(0, -1),
    'word',
  ),
  kind(
    'paragraph',
    /description|body|comment|note|content|message|text|bio|remark|review|details|reason|html|markdown/i,
    (f) => f.lorem.paragraph(),
    'word',
  ),
  kind('name', /name/i, (f) => f.person.fullName(), 'word'),
  kind('kind', /type|kind|class|mode|level|source|channel|method|tag|role/i, (f) => f.word.noun(), 'word'),
];

const WORDS = kind('words', /(?:)/, (f) => f.lorem.words({ min: 2, max: 5 }), 'word');
const WORD = kind('word', /(?:)/, (f) => f.word.noun(), 'word');
/** Tried when the values of a column's own kind do not pass its checks. */
export const FALLBACKS: readonly TextKind[] = [
  WORD,
  kind('upper code', /(?:)/, (f) => f.string.alpha({ length: 6, casing: 'upper' }), 'word'),
  kind('digits', /(?:)/, (f) => f.string.numeric(8), 'word'),
];
/** Columns no longer than this hold words, not sentences. */
const SHORT = 24;

function kind(name: string, pattern: RegExp, make: TextKind['make'], embedding: Embedding): TextKind {
  return { kind: name, name: pattern, make, embedding };
}

/** The kind of text that a column of this name and length holds. */
export function textKindOf(column: string, maxLength: number | null): TextKind {
  const words = column.replace(/([a-z0-9])([A-Z])/g, '$1_$2');
  return (
    KINDS.find(({ name }) => name.test(words)) ?? (maxLength !== null && maxLength <= SHORT ? WORD : WORDS)
  );
}

/** Pools of one random seed; each is made when it is first asked for. */
export interface Pools {
  ofKind(kind: TextKind): readonly string[];
  /** Values of a faker function by its path, `internet.email`; UsageError when there is none. */
  ofFaker(path: string): readonly string[];
  /** Text of about this many characters that does not compress away. */
  ofWidth(width: number): readonly string[];
}

/** The pools of the random seed that was asked for last: one rehearsal has one. */
let latest: { readonly randomSeed: number; readonly pools: Pools } | null = null;

export function poolsOf(randomSeed: number): Pools {
  if (latest?.randomSeed !== randomSeed) latest = { randomSeed, pools: createPools(randomSeed) };
  return latest.pools;
}

function createPools(randomSeed: number): Pools {
  const made = new Map<string, readonly string[]>();
  const once = (name: string, make: () => readonly string[]): readonly string[] => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const values = make();
    made.set(name, values);
    return values;
  };
  return {
    ofKind: ({ kind: name, make }) =>
      once(`kind ${name}`, () => fill(seedOf(randomSeed, 'pool', name), make)),
    ofFaker: (path) => once(`faker ${path}`, () => fakerPool(seedOf(randomSeed, 'faker', path), path)),
    ofWidth: (width) => once(`width ${width}`, () => widePool(seedOf(randomSeed, 'width'), width)),
  };
}

/** A pool is made in one go: the seed of one does not reach another. */
function fakerFor(seed: number): Faker {
  english.seed(seed);
  english.setDefaultRefDate(REFERENCE_DATE);
  return english;
}

function fill(seed: number, make: (faker: Faker) => string): readonly string[] {
  const faker = fakerFor(seed);
  return Array.from({ length: POOL_SIZE }, () => make(faker).trim());
}

/** The functions of faker that may be named: `module.method`, own or inherited, nothing that starts with `_`. */
export function fakerFunction(faker: Faker, path: string): (() => unknown) | null {
  const [moduleName = '', methodName = '', ...rest] = path.split('.');
  if (rest.length > 0 || moduleName.startsWith('_') || methodName.startsWith('_')) return null;
  const found = Object.entries(faker).find(([name]) => name === moduleName)?.[1];
  if (typeof found !== 'object' || found === null || methodName === 'constructor') return null;
  const method: unknown = Reflect.get(found, methodName);
  return typeof method === 'function' ? () => Reflect.apply(method, found, []) : null;
}

function fakerPool(seed: number, path: string): readonly string[] {
  const faker = fakerFor(seed);
  const call = fakerFunction(faker, path);
  if (call === null)
    throw new UsageError(
      `"${path}" is no function of faker: name one as "module.method", such as "internet.email" ` +
        '(https://fakerjs.dev/api/).',
    );
  return Array.from({ length: POOL_SIZE }, () => {
    const value = call();
    if (value instanceof Date) return value.toISOString();
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
}

/** The last two are spaces. */
export const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ  ';

function widePool(seed: number, width: number): readonly string[] {
  const size = Math.max(16, Math.min(POOL_SIZE, Math.floor(MAX_POOL_CHARACTERS / Math.max(1, width))));
  return Array.from({ length: size }, (_, entry) => {
    const characters: string[] = [];
    for (let index = 0; index < width; index += 1)
      characters.push(LETTERS.charAt(hash(seed, entry * width + index) & 63));
    return characters.join('').replace(/^ | $/g, 'x');
  });
}
