/** The functions of checks whose values can be computed here as the servers do. */
import type { Expression } from './expression.ts';
import { similarToRegex, translateRegex } from './regex.ts';
import { Doubt, numberOf, parsedJson, textOf, truth, type Value } from './sql-values.ts';
import { UnreadableExpression } from './tokens.ts';

/** Gets its arguments as they stand, since some are evaluated only when they are needed. */
export type EvaluatedCall = (args: readonly Expression[], evaluate: (of: Expression) => Value) => Value;

type Strict = (...values: readonly Exclude<Value, null>[]) => Value;

/** Null when an argument is null. */
function strict(body: Strict): EvaluatedCall {
  return (args, evaluate) => {
    const values = args.map(evaluate);
    const given = values.filter((value) => value !== null);
    return given.length < values.length ? null : body(...given);
  };
}

function numeric(number: number): Value {
  return { number, text: String(number) };
}

const NOTHING = '';

function ofNumber(body: (number: number, digits: number) => number): EvaluatedCall {
  return strict((value = NOTHING, digits = '0') => numeric(body(numberOf(value), numberOf(digits))));
}

function ofText(body: (text: string) => string): EvaluatedCall {
  return strict((value = NOTHING) => body(textOf(value)));
}

const characters: EvaluatedCall = strict((value = NOTHING) =>
  numeric(value instanceof Uint8Array ? value.length : [...textOf(value)].length),
);
const octets: EvaluatedCall = strict((value = NOTHING) =>
  numeric(value instanceof Uint8Array ? value.length : Buffer.byteLength(textOf(value))),
);

const substring: EvaluatedCall = strict((value = NOTHING, from = '1', count) => {
  const text = textOf(value);
  const start = numberOf(from);
  const first = start < 0 ? text.length + start : start - 1;
  return count === undefined ? text.slice(first) : text.slice(Math.max(0, first), first + numberOf(count));
});

const coalesce: EvaluatedCall = (args, evaluate) => {
  for (const arg of args) {
    const value = evaluate(arg);
    if (value !== null) return value;
  }
  return null;
};

function outermost(side: 1 | -1): EvaluatedCall {
  return (args, evaluate) => {
    const values = args.map(evaluate).filter((value) => value !== null);
    return values.reduce<Value>(
      (best, value) => (best === null || (numberOf(value) - numberOf(best)) * side > 0 ? value : best),
      null,
    );
  };
}

function counting(nulls: boolean): EvaluatedCall {
  return (args, evaluate) => numeric(args.filter((arg) => (evaluate(arg) === null) === nulls).length);
}

/** `extract(dow from at)` and MySQL's functions of the same meaning. */
const FIELDS: Readonly<Record<string, (date: Date) => number>> = {
  year: (date) => date.getUTCFullYear(),
  quarter: (date) => Math.floor(date.getUTCMonth() / 3) + 1,
  month: (date) => date.getUTCMonth() + 1,
  day: (date) => date.getUTCDate(),
  dow: (date) => date.getUTCDay(),
  isodow: (date) => date.getUTCDay() || 7,
  hour: (date) => date.getUTCHours(),
  minute: (date) => date.getUTCMinutes(),
  second: (date) => date.getUTCSeconds(),
  epoch: (date) => date.getTime() / 1000,
};

function field(name: string): EvaluatedCall {
  const read = FIELDS[name];
  if (read === undefined) throw new UnreadableExpression(`extract("${name}") is not understood`);
  return strict((value = NOTHING) => numeric(read(new Date(numberOf(value) * 1000))));
}

const extract: EvaluatedCall = ([what, from], evaluate) => {
  if (what === undefined || from === undefined) throw new UnreadableExpression('extract is not understood');
  const name = what.kind === 'column' ? what.name : what.kind === 'literal' ? what.text : '';
  return field(name.toLowerCase())([from], evaluate);
};

const SPANS: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400 };

/** Months that a calendar's span takes; it begins with a year. */
const MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };
/** 1970-01-05 was the first Monday. */
const WEEK = { seconds: 604_800, begins: 345_600 };

const truncated: EvaluatedCall = strict((what = NOTHING, at = NOTHING) => {
  const name = textOf(what).toLowerCase();
  const seconds = numberOf(at);
  const months = MONTHS[name];
  if (months !== undefined) {
    const date = new Date(seconds * 1000);
    const month = date.getUTCMonth() - (date.getUTCMonth() % months);
    return numeric(Date.UTC(date.getUTCFullYear(), month) / 1000);
  }
  const { seconds: span, begins } =
    name === 'week' ? WEEK : { seconds: SPANS[name] ?? Number.NaN, begins: 0 };
  if (Number.isNaN(span)) throw new UnreadableExpression('date_trunc is not understood');
  const since = seconds - begins;
  return numeric(seconds - (((since % span) + span) % span));
});

/** Elements of an array's text: `{a,"b,c",NULL}`. */
function elementsOf(value: Value): number {
  const text = textOf(value);
  if (!text.startsWith('{')) throw new UnreadableExpression('no array');
  if (text === '{}') return 0;
  return text.replace(/"(?:[^"\\]|\\.)*"/g, 'x').split(',').length;
}

const elements: EvaluatedCall = strict((value = NOTHING) => {
  const count = elementsOf(value);
  return count === 0 ? null : numeric(count);
});

/** Bounds of a range's text that has both; made-up ranges do. */
function bound(index: 1 | 2): EvaluatedCall {
  return strict((value = NOTHING) => {
    const text = textOf(value);
    const found = /^[[(]"?([^",]+)"?,"?([^",]+)"?[\])]$/.exec(text)?.[index];
    if (found !== undefined) return numeric(numberOf(found));
    if (text === 'empty' || /^[[(]/.test(text)) throw new UnreadableExpression('a range without a bound');
    return index === 1 ? text.toLowerCase() : text.toUpperCase();
  });
}

function search(text: number, part: number): EvaluatedCall {
  return strict((...values) => {
    const [inside = NOTHING, wanted = NOTHING] = [values[text], values[part]];
    return numeric(textOf(inside).indexOf(textOf(wanted)) + 1);
  });
}

function jsonKind(value: Value): string {
  const parsed = parsedJson(textOf(value));
  if (parsed === null) return 'null';
  return Array.isArray(parsed) ? 'array' : typeof parsed;
}

const clock: EvaluatedCall = () => {
  throw new Doubt('what the clock of the server says');
};

export const FUNCTIONS: Readonly<Record<string, EvaluatedCall>> = {
  abs: ofNumber(Math.abs),
  '-': ofNumber((number) => -number),
  sign: ofNumber(Math.sign),
  ceil: ofNumber(Math.ceil),
  ceiling: ofNumber(Math.ceil),
  floor: ofNumber(Math.floor),
  sqrt: ofNumber(Math.sqrt),
  trunc: ofNumber((number, digits) => Math.trunc(number * 10 ** digits) / 10 ** digits),
  round: ofNumber((number, digits) => Math.round(number * 10 ** digits) / 10 ** digits),
  mod: strict((one = NOTHING, other = NOTHING) => numeric(numberOf(one) % numberOf(other))),
  power: strict((one = NOTHING, other = NOTHING) => numeric(numberOf(one) ** numberOf(other))),
  greatest: outermost(1),
  least: outermost(-1),
  coalesce,
  ifnull: coalesce,
  nullif: ([one, other], evaluate) => {
    if (one === undefined || other === undefined) throw new UnreadableExpression('nullif');
    const [value, avoided] = [evaluate(one), evaluate(other)];
    return value === null || avoided === null || textOf(value) !== textOf(avoided) ? value : null;
  },
  if: ([condition, then, otherwise], evaluate) => {
    if (condition === undefined || then === undefined || otherwise === undefined)
      throw new UnreadableExpression('if');
    return truth(evaluate(condition)) === true ? evaluate(then) : evaluate(otherwise);
  },
  isnull: ([of], evaluate) => of !== undefined && evaluate(of) === null,
  num_nulls: counting(true),
  num_nonnulls: counting(false),
  length: characters,
  char_length: characters,
  character_length: characters,
  octet_length: octets,
  lower: bound(1),
  upper: bound(2),
  isempty: strict((value = NOTHING) => textOf(value) === 'empty'),
  lower_inf: strict((value = NOTHING) => !/^[[(]"?[^",]+/.test(textOf(value))),
  upper_inf: strict((value = NOTHING) => !/,"?[^",]+"?[\])]$/.test(textOf(value))),
  trim: ofText((text) => text.replace(/^ +| +$/g, '')),
  btrim: ofText((text) => text.replace(/^ +| +$/g, '')),
  ltrim: ofText((text) => text.replace(/^ +/, '')),
  rtrim: ofText((text) => text.replace(/ +$/, '')),
  reverse: ofText((text) => [...text].reverse().join('')),
  left: strict((text = NOTHING, count = '0') => textOf(text).slice(0, numberOf(count))),
  right: strict((text = NOTHING, count = '0') => textOf(text).slice(-numberOf(count))),
  substring,
  substr: substring,
  replace: strict((text = NOTHING, from = NOTHING, to = NOTHING) =>
    textOf(text).replaceAll(textOf(from), textOf(to)),
  ),
  similar_to_escape: ofText(similarToRegex),
  similar_escape: strict((text = NOTHING) => similarToRegex(textOf(text))),
  concat: strict((...values) => values.map(textOf).join('')),
  starts_with: strict((text = NOTHING, start = NOTHING) => textOf(text).startsWith(textOf(start))),
  strpos: search(0, 1),
  instr: search(0, 1),
  locate: search(1, 0),
  position: ([inside], evaluate) => {
    if (inside?.kind !== 'binary' || inside.right.kind !== 'list')
      throw new UnreadableExpression('position is not understood');
    const [text] = inside.right.items;
    return text === undefined ? null : search(0, 1)([text, inside.left], evaluate);
  },
  regexp_like: strict((text = NOTHING, pattern = NOTHING) =>
    new RegExp(translateRegex(textOf(pattern))).test(textOf(text)),
  ),
  extract,
  date_part: extract,
  date_trunc: truncated,
  year: field('year'),
  month: field('month'),
  day: field('day'),
  dayofmonth: field('day'),
  hour: field('hour'),
  minute: field('minute'),
  isfinite: strict(() => true),
  cardinality: strict((value = NOTHING) => numeric(elementsOf(value))),
  array_length: elements,
  array_ndims: strict((value = NOTHING) => (elementsOf(value) === 0 ? null : numeric(1))),
  // Made-up arrays hold no null.
  array_position: ([, what], evaluate) => {
    if (what === undefined || evaluate(what) !== null) throw new UnreadableExpression('array_position');
    return null;
  },
  jsonb_typeof: strict((value = NOTHING) => jsonKind(value)),
  json_typeof: strict((value = NOTHING) => jsonKind(value)),
  json_type: strict((value = NOTHING) => jsonKind(value).toUpperCase()),
  json_valid: strict((value = NOTHING) => jsonKind(value) !== ''),
  family: strict((value = NOTHING) => numeric(textOf(value).includes(':') ? 6 : 4)),
  masklen: strict((value = NOTHING) => numeric(Number(textOf(value).split('/')[1] ?? 32))),
  // A made-up composite has no field that is null.
  '.': strict((value = NOTHING) => textOf(value)),
  now: clock,
  current_timestamp: clock,
  current_date: clock,
  localtimestamp: clock,
  clock_timestamp: clock,
  curdate: clock,
};

/** `'{a,b}'::text[]` */
export function constantsOf(expression: Expression): readonly Expression[] {
  const text = expression.kind === 'literal' ? expression.text : '';
  if (!/^\{[^"{}\\]*\}$/.test(text)) throw new UnreadableExpression('a list that is no literal');
  return text
    .slice(1, -1)
    .split(',')
    .map((item) => ({ kind: 'literal', text: item.trim() }));
}
