/** Random Postgres schemas as DDL. */
import type fc from 'fast-check';
import { type Partition, partitionOf } from './postgres-partitions.ts';
import { type Column, POSTGRES_PRELUDE, POSTGRES_TYPES, quote, type RandomType } from './postgres-types.ts';
import {
  type ColumnSeed,
  NAMES,
  type ParentSeed,
  pick,
  type RandomSchema,
  type SchemaSeed,
  schemaSeeds,
  type TableSeed,
} from './seeds.ts';

export const postgresSchemas: fc.Arbitrary<RandomSchema> = schemaSeeds.map(schemaOf);

interface Made {
  readonly name: string;
  readonly key: readonly Column[];
  /** A single column with a unique constraint of its own. */
  readonly unique: Column | null;
}

const ID: RandomType = { sql: 'bigint', family: 'number', unique: true, checks: [], fallback: null };

function schemaOf({ tables, circle, rows }: SchemaSeed): RandomSchema {
  const statements = [POSTGRES_PRELUDE];
  const made: Made[] = [];
  for (const [index, seed] of tables.entries()) {
    const table = tableOf(seed, index, made);
    statements.push(table.ddl);
    made.push(table);
  }
  const [first] = made;
  const last = made.at(-1);
  if (circle !== 'no' && first !== undefined && last !== undefined && last.key.length === 1) {
    const [key] = last.key;
    statements.push(
      `alter table ${first.name} add column circle ${key?.type.sql} ${circle === 'not null' ? 'not null' : ''};`,
      `alter table ${first.name} add foreign key (circle) references ${last.name} deferrable initially deferred;`,
    );
  }
  return { ddl: statements.join('\n'), rows };
}

const ACTIONS = ['', 'on delete cascade', 'on delete set null', 'on delete restrict on update cascade'];

function tableOf(seed: TableSeed, index: number, earlier: readonly Made[]): Made & { readonly ddl: string } {
  const base = pick(NAMES, seed.name).slice(0, 58);
  const name = `${seed.schema ? 'other.' : ''}${quote(`${base}_${index}`)}`;
  const columns = seed.columns.map((each, position) => columnOf(each, position, seed));
  const lines = columns.map(({ sql }) => sql);
  const parents = earlier.length === 0 ? [] : seed.parents;
  const foreign: Column[] = [];
  for (const [position, parent] of parents.entries()) {
    const own = foreignColumns(
      seed.partitions === null ? parent : { ...parent, unique: false },
      position,
      pick(earlier, parent.table),
    );
    foreign.push(...own.columns);
    lines.push(...own.lines);
  }
  const all = [...columns, ...foreign];
  const key = keyOf(seed, { columns, foreign, lines });
  const partition = partitionOf(seed, { name, columns, key });
  const primary = partition === null ? key : [...new Set([...key, partition.column])];
  if (primary.length > 0) lines.push(`primary key (${primary.map((each) => quote(each.name)).join(', ')})`);
  const self = selfKey(partition === null ? seed : { ...seed, refersToItself: 'no' }, { name, key: primary });
  lines.push(...self, ...pairChecks(seed, all), ...generatedColumns(seed, columns));
  const unique = uniqueColumn(seed, columns, partition);
  if (unique !== null) lines.push(`unique (${quote(unique.name)})`);
  const after = [
    ...(partition?.statements ?? []),
    ...uniqueIndexes(seed, { name, all, partitionedBy: partition?.column ?? null, primary }),
    ...extras(seed, { name, all, isPartitioned: partition !== null, index }),
  ];
  const ddl = `create table ${name} (\n  ${lines.join(',\n  ')}\n)${partition === null ? '' : ` ${partition.by}`};\n${after.join('\n')}`;
  return { name, key: primary, unique, ddl };
}

function columnOf(seed: ColumnSeed, position: number, { name }: TableSeed): Column {
  const type = pick(POSTGRES_TYPES, seed.type);
  const odd = position === 0 && name % 3 === 0;
  const column = odd ? pick(NAMES, name + 1) : `c${position}_${type.family}`;
  const check = seed.check === null || type.checks.length === 0 ? null : pick(type.checks, seed.check);
  const parts = [quote(column), type.sql];
  if (seed.notNull) parts.push('not null');
  if (seed.hasDefault && type.fallback !== null) parts.push(`default ${type.fallback}`);
  if (check !== null) parts.push(`check (${check(quote(column))})`);
  return { name: column, type, sql: parts.join(' ') };
}

function foreignColumns(
  { nullable, unique, action, toUnique }: ParentSeed,
  position: number,
  parent: Made,
): { readonly columns: readonly Column[]; readonly lines: readonly string[] } {
  const target = toUnique && parent.unique !== null ? [parent.unique] : parent.key;
  if (target.length === 0) return { columns: [], lines: [] };
  const columns = target.map(({ type }, each) => {
    const name = `p${position}_${each}`;
    const isNull = nullable || pick(ACTIONS, action).includes('set null');
    return { name, type, sql: `${quote(name)} ${type.sql}${isNull ? '' : ' not null'}` };
  });
  const list = columns.map(({ name }) => quote(name)).join(', ');
  const lines = [
    ...columns.map(({ sql }) => sql),
    `foreign key (${list}) references ${parent.name} (${target.map(({ name }) => quote(name)).join(', ')}) ${pick(ACTIONS, action)}`,
    ...(unique ? [`unique (${list})`] : []),
  ];
  return { columns, lines };
}

const IDENTITIES = [
  'bigint generated always as identity',
  'bigint generated by default as identity',
  'bigserial',
  'bigint',
];

function keyOf(
  { key }: TableSeed,
  { columns, foreign, lines }: { columns: readonly Column[]; foreign: readonly Column[]; lines: string[] },
): readonly Column[] {
  // The server itself cannot check a foreign key of an array and something else when it is added.
  const usable = columns.filter(({ type }) => type.unique && type.family !== 'array');
  const [first, second] = usable;
  const [parent, other] = foreign;
  const id = { name: 'id', type: ID, sql: '' };
  const form = key % 12;
  if (form === 0) return [];
  if (form === 1 && first !== undefined) return [first];
  if (form === 2 && first !== undefined && second !== undefined) return [first, second];
  if (form === 3 && parent !== undefined && first !== undefined) return [parent, first];
  if (form === 4 && parent !== undefined && other !== undefined) return foreign;
  if (form === 5 && parent !== undefined) return foreign.slice(0, 1);
  lines.unshift(`id ${pick(IDENTITIES, key)}`);
  if (form === 6 && parent !== undefined) return [parent, id];
  return [id];
}

function selfKey(
  { refersToItself }: TableSeed,
  { name, key }: { name: string; key: readonly Column[] },
): readonly string[] {
  if (refersToItself === 'no' || key.length === 0) return [];
  const own = key.map(({ type }, index) => ({ name: `self_${index}`, sql: type.sql }));
  const list = own.map((each) => each.name).join(', ');
  return [
    ...own.map((each) => `${each.name} ${each.sql}${refersToItself === 'not null' ? ' not null' : ''}`),
    `foreign key (${list}) references ${name} (${key.map((each) => quote(each.name)).join(', ')})`,
    ...(refersToItself === 'unique'
      ? [`unique (${list}${key.length > 0 ? `, ${quote(key[0]?.name ?? '')}` : ''})`]
      : []),
  ];
}

const SAME_FAMILY = [
  (a: string, b: string) => `check (${a} < ${b})`,
  (a: string, b: string) => `check (${a} <= ${b})`,
  (a: string, b: string) => `check (${a} <> ${b})`,
  (a: string, b: string) => `check (${b} is null or ${b} >= ${a})`,
];
const ANY_PAIR = [
  (a: string, b: string) => `check ((${a} is null) = (${b} is null))`,
  (a: string, b: string) => `check (num_nonnulls(${a}, ${b}) = 1)`,
  (a: string, b: string) => `check (${a} is not null or ${b} is not null)`,
  (a: string, b: string) => `check (${a} is null or ${b} is not null)`,
  (a: string, b: string) => `check (coalesce(${a}::text, ${b}::text) is not null)`,
  (a: string, b: string) => `check (num_nulls(${a}, ${b}) <= 1)`,
  (a: string, b: string) => `check (case when ${a} is null then ${b} is not null else true end)`,
];

function pairChecks({ pairs }: TableSeed, all: readonly Column[]): readonly string[] {
  return pairs.flatMap(({ first, second, form }) => {
    const [one, other] = [pick(all, first), pick(all, second)];
    if (one === other) return [];
    const [a, b] = [quote(one.name), quote(other.name)];
    const same = one.type.family === other.type.family && one.type.unique && one.type.family !== 'array';
    return [same && form % 2 === 0 ? pick(SAME_FAMILY, form >> 1)(a, b) : pick(ANY_PAIR, form >> 1)(a, b)];
  });
}

function generatedColumns({ generated }: TableSeed, columns: readonly Column[]): readonly string[] {
  return generated.flatMap(({ of, form }, index) => {
    const { name, type } = pick(columns, of);
    const kind = form % 2 === 0 ? 'stored' : 'virtual';
    if (type.family === 'text') return [`g${index} text generated always as (upper(${quote(name)})) ${kind}`];
    if (type.family === 'number' && !type.sql.includes('positive'))
      return [
        `g${index} numeric generated always as (${quote(name)} * 2) ${kind}${form % 5 === 0 ? ' not null' : ''}`,
      ];
    return [];
  });
}

function uniqueColumn(
  seed: TableSeed,
  columns: readonly Column[],
  partition: Partition | null,
): Column | null {
  const usable = columns.filter(({ type }) => type.unique && type.family !== 'array');
  return partition === null && seed.key % 4 === 0 ? (usable.at(-1) ?? null) : null;
}

interface Surroundings {
  readonly name: string;
  readonly all: readonly Column[];
}

function uniqueIndexes(
  { uniques }: TableSeed,
  {
    name,
    all,
    partitionedBy,
    primary,
  }: Surroundings & { partitionedBy: Column | null; primary: readonly Column[] },
): readonly string[] {
  return uniques.flatMap(({ columns, form }) => {
    const chosen = [...new Set(columns.map((each) => pick(all, each)))].filter(({ type }) => type.unique);
    if (partitionedBy !== null && !chosen.includes(partitionedBy)) chosen.push(partitionedBy);
    const [first] = chosen;
    if (first === undefined || primary.length === 0) return [];
    const names = chosen.map((each) => quote(each.name));
    const list = names.join(', ');
    const folded = first.type.family === 'text' ? `lower(${names[0]})` : `(${names[0]}::text)`;
    const forms = [
      `create unique index on ${name} (${list});`,
      `create unique index on ${name} (${list}) where ${quote(pick(all, form).name)} is not null;`,
      `create unique index on ${name} (${list}) where ${quote(pick(all, form).name)} is null;`,
      `create unique index on ${name} (${list}) nulls not distinct;`,
      `create unique index on ${name} (${list} desc) include (${quote(pick(all, form).name)});`,
      `alter table ${name} add unique (${list}) deferrable initially deferred;`,
      ...(['text', 'number'].includes(first.type.family) && partitionedBy === null
        ? [`create unique index on ${name} (${[folded, ...names.slice(1)].join(', ')});`]
        : []),
      ...(first.type.family === 'boolean'
        ? [`create unique index on ${name} (${list}) where ${names[0]};`]
        : []),
    ];
    return [pick(forms, form)];
  });
}

function extras(
  { extra }: TableSeed,
  { name, all, isPartitioned, index }: Surroundings & { isPartitioned: boolean; index: number },
): readonly string[] {
  if (extra === null) return [];
  const range = all.find(({ type }) => type.family === 'range');
  const forms = [
    ...(range === undefined || isPartitioned
      ? []
      : [`alter table ${name} add exclude using gist (${quote(range.name)} with &&);`]),
    `create view v${index} as select * from ${name};`,
    `create function f${index}() returns trigger language plpgsql as $$ begin raise exception 'called'; end $$;
     create trigger tr before insert on ${name} for each row execute function f${index}();`,
    `create rule r${index} as on delete to ${name} do instead nothing;`,
    ...(isPartitioned ? [] : [`create table h${index} (extra text not null) inherits (${name});`]),
    `create index on ${name} (${quote(pick(all, extra).name)});`,
    `create materialized view m${index} as select count(*) from ${name};`,
    `comment on table ${name} is 'it''s here';`,
  ];
  return [pick(forms, extra)];
}
