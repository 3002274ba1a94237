/** What random tables of MySQL and MariaDB have beside their columns and keys. */
import { type Column, quote } from './mysql-types.ts';
import { pick, type TableSeed } from './seeds.ts';

const OPTIONS = ['', 'charset latin1', 'collate utf8mb4_bin', 'charset utf8mb4 collate utf8mb4_general_ci'];
const FURTHER = [
  'row_format=dynamic',
  'auto_increment=5000',
  'stats_persistent=0',
  'collate utf8mb4_unicode_ci',
];
const ENGINES: Readonly<Record<string, readonly string[]>> = {
  mysql: ['engine=MyISAM', 'row_format=compressed', 'engine=MEMORY'],
  mariadb: [
    'engine=MyISAM',
    'row_format=compressed',
    'engine=Aria',
    'with system versioning',
    'engine=MEMORY',
  ],
};

/** Tables with foreign keys or partitions stay with the usual engine. */
export function tableOption({ key, name }: TableSeed, flavor: string, usual: boolean): string {
  if (name % 7 === 3 && !usual) return pick(ENGINES[flavor] ?? [], key);
  return pick(name % 3 === 1 ? FURTHER : OPTIONS, key);
}

interface Surroundings {
  readonly name: string;
  readonly all: readonly Column[];
  readonly index: number;
  readonly flavor: string;
}

export function extras(seed: TableSeed, { name, all, index, flavor }: Surroundings): readonly string[] {
  if (seed.extra === null) return [];
  const of = (...families: readonly string[]) => all.find(({ type }) => families.includes(type.family));
  const text = of('text', 'long text');
  const number = of('number');
  const json = of('json');
  const instant = of('instant');
  const shape = all.find(({ type, sql }) => type.family === 'shape' && sql.includes('not null'));
  const at = (column: Column) => quote(column.name);
  const forms = [
    ...(text === undefined ? [] : [`create fulltext index ft on ${name} (${at(text)});`]),
    ...(shape === undefined ? [] : [`create spatial index sp on ${name} (${at(shape)});`]),
    `create view v${index} as select * from ${name};`,
    `create trigger tr${index} before insert on ${name} for each row signal sqlstate '45000';`,
    `create trigger tr${index} after insert on ${name} for each row set @seen = 1;`,
    `create event ev${index} on schedule every 1 day disable do delete from ${name};`,
    `alter table ${name} comment 'it''s here';`,
    `create table \`p${index}\` like ${name};`,
    `alter table ${name} add column made varchar(40) not null default (concat('x', uuid()));`,
    `alter table ${name} add column docs json not null default (json_array(1));`,
    ...(flavor === 'mysql'
      ? ownOfMysql({ name, number, json, text })
      : ownOfMariadb({ name, number, instant, index })),
  ];
  return [pick(forms, seed.extra)];
}

interface Parts {
  readonly name: string;
  readonly number: Column | undefined;
}

/** Functional, multi-valued and invisible indexes. */
function ownOfMysql({
  name,
  number,
  json,
  text,
}: Parts & { readonly json: Column | undefined; readonly text: Column | undefined }): readonly string[] {
  return [
    ...(number === undefined
      ? []
      : [
          `create index fi on ${name} ((${quote(number.name)} + 1));`,
          `create index hi on ${name} (${quote(number.name)}) invisible;`,
        ]),
    ...(json === undefined
      ? []
      : [`create index mv on ${name} ((cast(${quote(json.name)}->'$.ids' as unsigned array)));`]),
    ...(text === undefined
      ? []
      : [
          `create unique index uf on ${name} ((concat(${quote(text.name)}, '-', char_length(${quote(text.name)}))));`,
        ]),
    `alter table ${name} add column doc2 json, add index mv2 ((cast(doc2->'$[*]' as char(20) array)));`,
    `alter table ${name} add column hidden int invisible, add check (hidden is null or hidden > 7);`,
  ];
}

/** Sequences, periods and versions. */
function ownOfMariadb({
  name,
  number,
  instant,
  index,
}: Parts & { readonly instant: Column | undefined; readonly index: number }): readonly string[] {
  return [
    `create sequence s${index} start with 100;\nalter table ${name} add column n bigint not null default nextval(s${index});`,
    `alter table ${name} add column d1 date not null, add column d2 date not null, add period for lasts (d1, d2);`,
    `alter table ${name} add system versioning;`,
    `alter table ${name} add column hidden int invisible, add check (hidden is null or hidden > 7);`,
    ...(number === undefined ? [] : [`create index ig on ${name} (${quote(number.name)}) ignored;`]),
    ...(instant === undefined
      ? []
      : [
          `alter table ${name} add column day date as (cast(${quote(instant.name)} as date)) persistent, add key (day);`,
        ]),
  ];
}
