/** Types of MySQL's and MariaDB's columns, with checks and defaults that people write on them. */

export interface RandomType {
  readonly sql: string;
  /** Columns of the same family can be compared with each other. */
  readonly family: string;
  /** Whole columns can be in an index, a beginning of them, or neither. */
  readonly index: 'whole' | 'prefix' | 'no';
  readonly checks: readonly ((column: string) => string)[];
  readonly fallback: string | null;
}

type Check = (column: string) => string;

const NUMBERS: readonly Check[] = [
  (c) => `${c} > 0`,
  (c) => `${c} between 1 and 100`,
  (c) => `${c} in (1, 2, 3)`,
  (c) => `${c} <> 0`,
  (c) => `${c} % 2 = 0`,
  (c) => `mod(${c}, 3) = 1`,
  (c) => `abs(${c}) < 1000`,
  (c) => `${c} > 0 or ${c} is null`,
  (c) => `coalesce(${c}, 0) >= 0`,
  (c) => `ifnull(${c}, 1) > 0`,
  (c) => `not (${c} < 5)`,
  (c) => `case when ${c} > 50 then true else ${c} < 30 end`,
  (c) => `${c} * 2 <= 200`,
  (c) => `if(${c} > 10, ${c} < 90, true) = true`,
];

/** Without remainders: for MariaDB 10.11 and 11.8, -2.0 % 2 = 0 is false. */
const FRACTIONS = NUMBERS.filter((check) => !/%|mod/.test(check('c')));

const TEXTS: readonly Check[] = [
  (c) => `char_length(${c}) > 1`,
  (c) => `length(${c}) between 2 and 3`,
  (c) => `${c} regexp '^[a-z]+$'`,
  (c) => `${c} regexp '^[A-Za-z]{2,3}$'`,
  (c) => `${c} in ('a', 'b', 'it''s')`,
  (c) => `${c} <> ''`,
  (c) => `${c} like 'A%'`,
  (c) => `${c} not like '% %'`,
  (c) => `char_length(trim(${c})) > 0`,
  (c) => `${c} = lower(${c})`,
  (c) => `left(${c}, 1) = 'S'`,
  (c) => `${c} not in ('x', 'y')`,
  (c) => `substring(${c}, 1, 1) between 'a' and 'z'`,
  (c) => `locate('-', ${c}) > 0`,
];

const INSTANTS: readonly Check[] = [
  (c) => `${c} > '2020-01-01'`,
  (c) => `year(${c}) >= 2000`,
  (c) => `month(${c}) = 6`,
  (c) => `${c} between '2024-01-01' and '2024-12-31'`,
];

interface Extra {
  readonly index?: RandomType['index'];
  readonly fallback?: string;
}

function types(
  family: string,
  checks: readonly Check[],
  names: readonly string[],
  { index = 'whole', fallback }: Extra = {},
): readonly RandomType[] {
  return names.map((sql) => ({ sql, family, index, checks, fallback: fallback ?? null }));
}

const BOTH: readonly RandomType[] = [
  ...types(
    'number',
    NUMBERS,
    ['int', 'bigint', 'int unsigned', 'smallint', 'tinyint', 'mediumint unsigned'],
    {
      fallback: '3',
    },
  ),
  ...types(
    'number',
    NUMBERS,
    ['tinyint unsigned', 'int(8) zerofill', 'decimal(5,0) unsigned', 'bigint unsigned'],
    {
      fallback: '3',
    },
  ),
  ...types('number', FRACTIONS, ['float', 'double', 'float(7,3)', 'decimal(20,6)', 'decimal(10,2)'], {
    fallback: '3',
  }),
  ...types('bits', [], ['bit(1)', 'bit(8)', 'bit(33)', 'bit(64)'], { fallback: "b'1'" }),
  ...types('boolean', [(c) => `${c} in (0, 1)`], ['boolean', 'tinyint(1)'], { fallback: 'true' }),
  ...types('text', TEXTS, ['varchar(50)', 'varchar(3)', 'char(3)', 'varchar(255)', 'char(1)'], {
    fallback: "'a'",
  }),
  ...types('text', TEXTS, ['varchar(40) charset latin1', 'varchar(30) collate utf8mb4_bin', 'char(10)'], {
    fallback: "'x'",
  }),
  ...types('text', TEXTS, ['varchar(20) character set ascii', 'varchar(30) collate utf8mb4_general_ci']),
  ...types('text', TEXTS, [
    'varchar(20) charset utf16',
    'varchar(20) charset cp1251',
    'char(5) collate utf8mb4_bin',
  ]),
  ...types('text', TEXTS, [
    'varchar(20) charset gbk',
    'varchar(20) charset utf8mb3',
    'varchar(9) charset ucs2',
  ]),
  ...types('text', TEXTS, [
    'varchar(30) collate utf8mb4_unicode_520_ci',
    'varchar(20) collate latin1_german2_ci',
  ]),
  ...types('number', FRACTIONS, [
    'decimal(30,10)',
    'decimal(65,30)',
    'double unsigned',
    'bigint(12) unsigned zerofill',
  ]),
  ...types('long text', TEXTS, ['text', 'tinytext', 'mediumtext', 'longtext'], { index: 'prefix' }),
  ...types('instant', INSTANTS, ['datetime', 'datetime(6)', 'timestamp', 'date'], {}),
  ...types('instant', INSTANTS, [
    'timestamp default current_timestamp on update current_timestamp',
    'datetime(3) default current_timestamp(3) on update current_timestamp(3)',
  ]),
  ...types('time', [(c) => `${c} > '08:00:00'`], ['time', 'time(3)'], { fallback: "'12:00:00'" }),
  ...types('year', [(c) => `${c} >= 2000`], ['year'], { fallback: '2024' }),
  ...types('bytes', [(c) => `length(${c}) <= 16`], ['binary(16)', 'varbinary(20)', 'binary(1)']),
  ...types('long bytes', [], ['blob', 'tinyblob', 'mediumblob'], { index: 'prefix' }),
  ...types('enum', [(c) => `${c} <> 'b'`, (c) => `${c} in ('a', 'c''d')`], ["enum('a', 'b', 'c''d')"], {
    fallback: "'a'",
  }),
  ...types('enum', [], ["enum('only')", "enum('', 'B', 'ä') charset utf8mb4"], {}),
  ...types('set', [], [`set(${Array.from({ length: 64 }, (_, index) => `'m${index}'`).join(', ')})`]),
  ...types('set', [(c) => `${c} <> ''`], ["set('x', 'y', 'z')"]),
  ...types(
    'json',
    [(c) => `json_valid(${c})`, (c) => `json_type(${c}) = 'OBJECT'`, (c) => `json_length(${c}) > 0`],
    ['json'],
    {
      index: 'no',
    },
  ),
  ...types('shape', [], ['point', 'geometry', 'polygon', 'linestring', 'multipoint'], { index: 'no' }),
];

/** By flavor. */
export const MYSQL_TYPES: Readonly<Record<string, readonly RandomType[]>> = {
  mysql: [
    ...BOTH,
    ...types('text', TEXTS, [
      'varchar(30) collate utf8mb4_0900_ai_ci',
      'varchar(12) collate utf8mb4_0900_as_cs',
    ]),
    ...types('text', TEXTS, [
      'varchar(12) collate utf8mb4_0900_bin',
      'varchar(20) collate utf8mb4_ja_0900_as_cs_ks',
    ]),
    ...types('shape', [], ['point srid 4326', 'multipolygon', 'polygon srid 3857', 'linestring srid 4326'], {
      index: 'no',
    }),
    ...types('vector', [], ['vector(3)', 'vector(40)'], { index: 'no' }),
  ],
  mariadb: [
    ...BOTH,
    ...types('text', TEXTS, ['varchar(30) collate utf8mb4_unicode_ci']),
    ...types('text', TEXTS, [
      'varchar(12) collate utf8mb4_nopad_bin',
      'varchar(20) collate utf8mb4_general_nopad_ci',
    ]),
    ...types('text', TEXTS, ['varchar(20) collate utf8mb4_uca1400_as_cs']),
    ...types('long text', TEXTS, ['text compressed'], { index: 'no' }),
    ...types('own', [], ['uuid', 'inet6', 'inet4']),
  ],
};

/** A column of a table that is made up. */
export interface Column {
  readonly name: string;
  readonly type: RandomType;
  readonly sql: string;
}

/** The name as an identifier. */
export function quote(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
