/** Types of Postgres columns, with checks and defaults that people write on them. */

export interface RandomType {
  readonly sql: string;
  /** Columns of the same family can be compared with each other. */
  readonly family: string;
  /** A default B-tree or unique index can be built on it. */
  readonly unique: boolean;
  readonly checks: readonly ((column: string) => string)[];
  readonly fallback: string | null;
}

type Check = (column: string) => string;

const NUMBERS: readonly Check[] = [
  (c) => `${c} > 0`,
  (c) => `${c} >= 0 and ${c} <= 100`,
  (c) => `${c} between 1 and 5`,
  (c) => `${c} in (1, 2, 3)`,
  (c) => `${c} <> 0`,
  (c) => `${c} = any (array[10, 20, 30])`,
  (c) => `${c} > 0 or ${c} is null`,
  (c) => `not (${c} < 5)`,
  (c) => `${c} < 10 or ${c} > 20`,
  (c) => `coalesce(${c}, 0) >= 0`,
  (c) => `(${c} >= 0) is true`,
  (c) => `${c} is not null`,
  (c) => `abs(${c}) < 1000`,
  (c) => `0 < ${c} and ${c} < 1000`,
  (c) => `sign(${c}) = 1`,
  (c) => `${c} + 1 > 5`,
  (c) => `${c} * 2 <= 200`,
  (c) => `case when ${c} > 50 then true else ${c} < 30 end`,
  (c) => `${c}::text ~ '^[0-9.]+$'`,
  (c) => `${c} not in (13, 666)`,
  (c) => `${c} between symmetric 9 and 3`,
  (c) => `nullif(${c}, 0) is not null`,
  (c) => `greatest(${c}, 0) = ${c}`,
];

const TEXTS: readonly Check[] = [
  (c) => `length(${c}) > 1`,
  (c) => `char_length(${c}) between 2 and 3`,
  (c) => `${c} ~ '^[A-Z]{2,3}$'`,
  (c) => `${c} ~ '^[a-z][a-z0-9_]*$'`,
  (c) => `${c} in ('a', 'b', 'it''s')`,
  (c) => `${c} <> ''`,
  (c) => `${c} = lower(${c})`,
  (c) => `upper(${c}) = ${c} and length(${c}) = 3`,
  (c) => `${c} like 'A%'`,
  (c) => `${c} like '%@%'`,
  (c) => `${c} like 'a_c'`,
  (c) => `btrim(${c}) <> ''`,
  (c) => `length(trim(${c})) > 0`,
  (c) => `${c} !~ '\\s'`,
  (c) => `${c} ~* '^x'`,
  (c) => `octet_length(${c}) < 20`,
  (c) => `${c} > 'a'`,
  (c) => `position('-' in ${c}) > 0`,
  (c) => `lower(${c}) in ('x', 'y')`,
  (c) => `left(${c}, 1) = 'A'`,
  (c) => `${c} ilike 'a%'`,
  (c) => `${c} not in ('x', 'y')`,
  (c) => `${c} is null or length(${c}) >= 2`,
  (c) => `${c} similar to '(a|b)[0-9]'`,
  (c) => `substring(${c} from 1 for 1) between 'a' and 'z'`,
  (c) => `${c} not like '% %'`,
  (c) => `${c} is distinct from 'x'`,
  (c) => `${c} = any ('{red,green}'::text[])`,
  (c) => `starts_with(${c} collate "C", 'S')`,
  (c) => `${c} ~ '^\\d{3}$' or ${c} is null`,
];

/** The server evaluates no regular expression under a collation that is not deterministic: such a table stays empty anywhere. */
const FOLDED = TEXTS.filter((check) => !/ (similar|ilike|!?~\*?) /.test(check('c')));

const INSTANTS: readonly Check[] = [
  (c) => `${c} > '2020-01-01'`,
  (c) => `${c} <= now()`,
  (c) => `${c} between '2024-01-01' and '2024-12-31'`,
  (c) => `extract(year from ${c}) >= 2000`,
  (c) => `isfinite(${c})`,
  (c) => `${c} < current_date + 365`,
  (c) => `${c} <> '2024-02-29'`,
  (c) => `extract(dow from ${c}) between 1 and 5`,
  (c) => `date_part('month', ${c}) = 6`,
];

const ARRAYS: readonly Check[] = [
  (c) => `cardinality(${c}) > 0`,
  (c) => `array_length(${c}, 1) <= 3`,
  (c) => `array_position(${c}, null) is null`,
  (c) => `${c} <> '{}'`,
  (c) => `array_ndims(${c}) = 1`,
];

const JSONS: readonly Check[] = [
  (c) => `jsonb_typeof(${c}) = 'object'`,
  (c) => `${c} ? 'id'`,
  (c) => `${c} ->> 'id' is not null`,
  (c) => `jsonb_typeof(${c}) = 'array'`,
];

const RANGES: readonly Check[] = [
  (c) => `not isempty(${c})`,
  (c) => `lower(${c}) < upper(${c})`,
  (c) => `lower(${c}) is not null`,
  (c) => `not upper_inf(${c})`,
];

const BYTES: readonly Check[] = [
  (c) => `octet_length(${c}) = 16`,
  (c) => `length(${c}) between 4 and 8`,
  (c) => `octet_length(${c}) <= 20`,
];

interface Extra {
  readonly unique?: boolean;
  readonly fallback?: string;
}

function types(
  family: string,
  checks: readonly Check[],
  names: readonly string[],
  { unique = true, fallback }: Extra = {},
): readonly RandomType[] {
  return names.map((sql) => ({ sql, family, unique, checks, fallback: fallback ?? null }));
}

/** User-defined ones stand in POSTGRES_PRELUDE. */
export const POSTGRES_TYPES: readonly RandomType[] = [
  ...types('number', NUMBERS, ['int', 'bigint', 'smallint', 'numeric(10,2)', 'numeric', 'real', 'int'], {
    fallback: '7',
  }),
  ...types('number', NUMBERS, ['double precision', 'numeric(4,0)', 'positive', 'small_positive', 'int'], {
    fallback: '3',
  }),
  ...types('text', TEXTS, ['text', 'varchar(50)', 'varchar(3)', 'char(3)', 'varchar', 'text collate "C"'], {
    fallback: "'abc'",
  }),
  ...types('text', TEXTS, ['text', 'varchar(255)', 'char(1)'], { fallback: "'xyz'" }),
  ...types('text', FOLDED, ['text collate ci'], { fallback: "'xyz'" }),
  ...types('code', [], ['code', 'short_code', 'email'], {}),
  ...types('name', [], ['name'], {}),
  ...types('boolean', [(c) => c, (c) => `${c} is not false`, (c) => `not ${c}`], ['boolean'], {
    fallback: 'true',
  }),
  ...types('instant', INSTANTS, ['timestamp', 'timestamptz', 'timestamptz(3)', 'date'], {
    fallback: 'now()',
  }),
  ...types('time', [(c) => `${c} > '08:00'`], ['time', 'timetz', 'time(0)']),
  ...types('interval', [(c) => `${c} > interval '0'`, (c) => `${c} >= '1 hour'`], ['interval']),
  ...types('uuid', [(c) => `${c} <> '00000000-0000-0000-0000-000000000000'`], ['uuid'], {
    fallback: 'gen_random_uuid()',
  }),
  ...types('jsonb', JSONS, ['jsonb'], { fallback: "'{}'" }),
  ...types('json', [], ['json', 'xml'], { unique: false }),
  ...types('array', ARRAYS, ['int[]', 'text[]', 'uuid[]', 'mood[]', 'numeric(5,1)[]', 'place[]'], {
    fallback: "'{}'",
  }),
  ...types('enum', [(c) => `${c} <> 'sad'`, (c) => `${c} in ('ok', 'it''s')`], ['mood'], {
    fallback: "'ok'",
  }),
  ...types('composite', [(c) => `(${c}).zip is not null`], ['place']),
  ...types('bytes', BYTES, ['bytea']),
  ...types('bits', [], ['bit(7)', 'bit', 'varbit(9)', 'varbit']),
  ...types('network', [(c) => `family(${c}) = 4`], ['inet', 'cidr']),
  ...types('mac', [], ['macaddr', 'macaddr8']),
  ...types('range', RANGES, ['int4range', 'int8range', 'numrange', 'daterange', 'tsrange', 'tstzrange']),
  ...types('multirange', [], ['int4multirange', 'tstzmultirange']),
  ...types('search', [], ['tsvector', 'tsquery'], { unique: false }),
  ...types('shape', [], ['point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle'], { unique: false }),
  ...types('money', [(c) => `${c} > '0'::money`], ['money']),
  ...types('system', [], ['oid', 'pg_lsn']),
];

/** Types that the columns above may have. */
export const POSTGRES_PRELUDE = `
  create type mood as enum ('sad', 'ok', 'it''s', 'glad');
  create type place as (street text, zip varchar(10));
  create domain positive as int check (value > 0);
  create domain small_positive as positive check (value < 1000);
  create domain code as varchar(8) check (value ~ '^[A-Z]{2}[0-9]+$');
  create domain short_code as code check (length(value) <= 5);
  create domain email as text check (value ~ '^[^@\\s]+@[^@\\s]+$') not null;
  create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create schema other;`;

/** A column of a table that is made up. */
export interface Column {
  readonly name: string;
  readonly type: RandomType;
  readonly sql: string;
}

/** The name as an identifier. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
