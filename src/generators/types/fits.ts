/** Whether text that a scenario gives can be a value of a type; what only the server can tell is let through. */
import type { ColumnType } from '../../engines/engine.ts';

/** Says why it is no such value; null where it may be one. */
export function unfit(text: string, type: ColumnType): string | null {
  const problem = type.element !== null ? arrayProblem(text) : (PROBLEMS[type.kind]?.(text, type) ?? null);
  return problem === null ? null : `is no ${type.declared}: ${problem}`;
}

type Problem = (text: string, type: ColumnType) => string | null;

const NUMBER = /^\s*[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const SPECIAL_NUMBER = /^\s*([+-]?inf(inity)?|nan|0[xob][0-9a-f_]+)\s*$/i;
/** Largest magnitude of the whole numbers of Postgres and MySQL that a double tells from larger ones. */
const LARGEST: Readonly<Record<string, number>> = {
  int2: 32_767,
  int4: 2_147_483_647,
  smallint: 65_535,
  int: 4_294_967_295,
  mediumint: 16_777_215,
};

const PROBLEMS: Readonly<Partial<Record<ColumnType['kind'], Problem>>> = {
  integer: (text, { base }) => {
    if (SPECIAL_NUMBER.test(text) && !/n/i.test(text)) return null;
    if (!NUMBER.test(text)) return 'write a whole number';
    const most = LARGEST[base] ?? Number.POSITIVE_INFINITY;
    return Math.abs(Number(text.replaceAll('_', ''))) <= most + 1 ? null : `it holds numbers up to ${most}`;
  },
  decimal: (text, { base, precision, scale }) => {
    const plain = base === 'money' ? text.replace(/[$,]/g, '') : text;
    if (SPECIAL_NUMBER.test(plain)) return null;
    if (!NUMBER.test(plain)) return 'write a number';
    const digits = precision === null ? null : precision - (scale ?? 0);
    return digits === null || Math.abs(Number(plain.replaceAll('_', ''))) < 10 ** digits
      ? null
      : `it holds ${digits} digits before the point`;
  },
  float: (text) => (NUMBER.test(text) || SPECIAL_NUMBER.test(text) ? null : 'write a number'),
  boolean: (text, { labels }) =>
    labels.length > 0 || /^\s*(t|tr|tru|true|f|fa|fal|fals|false|y|ye|yes|n|no|on|of|off|1|0)\s*$/i.test(text)
      ? null
      : 'write true or false',
  enum: (text, { labels, base }) => {
    // MySQL compares by its collation and takes the number of a label too.
    const known =
      base === 'enum'
        ? /^\d+$/.test(text) || labels.some((label) => label.toLowerCase() === text.toLowerCase())
        : labels.includes(text);
    return known ? null : `its labels are ${labels.join(', ')}`;
  },
  text: (text, { maxLength }) =>
    maxLength === null || [...text.trimEnd()].length <= maxLength ? null : `it holds ${maxLength} characters`,
  uuid: (text) => (/^[0-9a-f]{32}$/i.test(text.replace(/[{}-]/g, '')) ? null : 'write 32 hexadecimal digits'),
  json: (text) => {
    try {
      JSON.parse(text);
      return null;
    } catch {
      return 'write JSON';
    }
  },
  date: dayProblem,
  timestamp: dayProblem,
  time: dayProblem,
  interval: (text) =>
    /\d/.test(text) || /infinity/i.test(text) ? null : 'write a length of time such as 3 days',
  range: (text, { base }) =>
    base.endsWith('multirange')
      ? /^\s*\{.*\}\s*$/s.test(text)
        ? null
        : 'write ranges in braces, such as {[1,5)}'
      : /^\s*(empty|[[(].*,.*[\])])\s*$/is.test(text)
        ? null
        : 'write a range such as [1,5)',
  composite: (text) => (/^\s*\(.*\)\s*$/s.test(text) ? null : 'write its fields in brackets, such as (a,1)'),
};

const DAY_WORDS = /^\s*(now|today|tomorrow|yesterday|epoch|allballs|-?infinity)\s*$/i;

const DAY_DIGITS = 8;

function dayProblem(text: string): string | null {
  const isNumber = /^\s*[+-]?\d+\s*$/.test(text);
  // 20250131 and 0830 are a day and a time.
  const known = isNumber ? text.trim().length <= DAY_DIGITS : /\d/.test(text) || DAY_WORDS.test(text);
  return known ? null : 'write a date or time such as 2025-01-31 or 12:30';
}

function arrayProblem(text: string): string | null {
  return /^\s*(\[.*\]=)?\{.*\}\s*$/s.test(text) ? null : 'write its elements in braces, such as {a,b}';
}
