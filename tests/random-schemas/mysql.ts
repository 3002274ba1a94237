/** Random schemas of MySQL and MariaDB as DDL. */
import type fc from 'fast-check';
import { extras, tableOption } from './mysql-extras.ts';
import { partitionOf } from './mysql-partitions.ts';
import { type Column, MYSQL_TYPES, quote, type RandomType } from './mysql-types.ts';
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

export function mysqlSchemas(flavor: string): fc.Arbitrary<RandomSchema> {
  const types = MYSQL_TYPES[flavor] ?? [];
  return schemaSeeds.map((seed) => schemaOf(seed, { types, flavor }));
}

interface Dialect {
  readonly types: readonly RandomType[];
  readonly flavor: string;
}

interface Made {
  readonly name: string;
  /** Empty where nothing can refer to the table. */
  readonly key: readonly Column[];
  readonly unique: Column | null;
}

function schemaOf({ tables, circle, rows }: SchemaSeed, dialect: Dialect): RandomSchema {
  const statements: string[] = [];
  const made: Made[] = [];
  for (const [index, seed] of tables.entries()) {
    const table = tableOf(seed, { index, earlier: made, dialect });
    statements.push(table.ddl);
    made.push(table);
  }
  const [first] = made;
  const last = made.at(-1);
  if (circle !== 'no' && first !== undefined && first.key.length > 0 && last?.key.length === 1) {
    const [key] = last.key;
    statements.push(
      `alter table ${first.name} add column circle ${key?.type.sql} ${circle === 'not null' ? 'not null' : 'null'};`,
      `alter table ${first.name} add foreign key (circle) references ${last.name} (${quote(key?.name ?? '')});`,
    );
  }
  return { ddl: statements.join('\n'), rows };
}

const ACTIONS = ['', 'on delete cascade', 'on delete set null', 'on delete restrict on update cascade'];

interface Place {
  readonly index: number;
  readonly earlier: readonly Made[];
  readonly dialect: Dialect;
}

function tableOf(seed: TableSeed, { index, earlier, dialect }: Place): Made & { readonly ddl: string } {
  const base = pick(NAMES, seed.name).slice(0, 46);
  const name = quote(`${base}_${index}`);
  const columns = seed.columns.map((each, position) => columnOf(each, position, { seed, dialect }));
  const lines = columns.map(({ sql }) => sql);
  const isPartitioned = seed.partitions !== null;
  const parents = earlier.filter(({ key }) => key.length > 0);
  const foreign: Column[] = [];
  for (const [position, parent] of (isPartitioned || parents.length === 0 ? [] : seed.parents).entries()) {
    const own = foreignColumns(parent, position, pick(parents, parent.table));
    foreign.push(...own.columns);
    lines.push(...own.lines);
  }
  const all = [...columns, ...foreign];
  const key = keyOf(seed, { columns, foreign, lines });
  const partition = isPartitioned ? partitionOf(seed, columns, key) : null;
  const primary = partition === null ? key : [...new Set([...key, partition.column])];
  if (primary.length > 0) lines.push(`primary key (${primary.map(keyPart).join(', ')})`);
  if (!isPartitioned) lines.push(...selfKey(seed, { name, key: primary }));
  lines.push(...pairChecks(seed, all), ...generatedColumns(seed, columns));
  const usable = columns.filter(({ type }) => type.index === 'whole');
  const unique = !isPartitioned && seed.key % 4 === 0 ? (usable.at(-1) ?? null) : null;
  if (unique !== null) lines.push(`unique (${quote(unique.name)})`);
  const stands = foreign.length > 0 || isPartitioned || seed.refersToItself !== 'no';
  const options = `${tableOption(seed, dialect.flavor, stands)} ${partition?.by ?? ''}`;
  const after = [
    ...(primary.length === 0
      ? []
      : uniqueIndexes(seed, { name, all, partitionedBy: partition?.column ?? null, dialect })),
    ...extras(seed, { name, all, index, flavor: dialect.flavor }),
  ];
  const ddl = `create table ${name} (\n  ${lines.join(',\n  ')}\n) ${options};\n${after.join('\n')}`;
  return {
    name,
    key: isPartitioned ? [] : primary.filter(({ type }) => type.index === 'whole'),
    unique,
    ddl,
  };
}

/** A long column is in a key by its beginning. */
function keyPart({ name, type }: Column): string {
  return `${quote(name)}${type.index === 'prefix' ? '(20)' : ''}`;
}

function columnOf(
  seed: ColumnSeed,
  position: number,
  { seed: { name, extra }, dialect }: { readonly seed: TableSeed; readonly dialect: Dialect },
): Column {
  const type = pick(dialect.types, seed.type);
  const odd = position === 0 && name % 3 === 0;
  const column = odd ? pick(NAMES, name + 1) : `c${position}_${type.family.replace(' ', '_')}`;
  const check = seed.check === null || type.checks.length === 0 ? null : pick(type.checks, seed.check);
  const parts = [quote(column), type.sql, seed.notNull ? 'not null' : ''];
  if (seed.hasDefault && type.fallback !== null) parts.push(`default ${type.fallback}`);
  if (extra !== null && position === 1 && !seed.notNull) parts.push('invisible');
  if (check !== null) parts.push(`check (${check(quote(column))})`);
  return { name: column, type, sql: parts.join(' ') };
}

function foreignColumns(
  { nullable, unique, action, toUnique }: ParentSeed,
  position: number,
  parent: Made,
): { readonly columns: readonly Column[]; readonly lines: readonly string[] } {
  const target = toUnique && parent.unique !== null ? [parent.unique] : parent.key;
  const columns = target.map(({ type }, each) => {
    const name = `p${position}_${each}`;
    const isNull = nullable || pick(ACTIONS, action).includes('set null');
    return { name, type, sql: `${quote(name)} ${type.sql} ${isNull ? '' : 'not null'}` };
  });
  const list = columns.map(({ name }) => quote(name)).join(', ');
  return {
    columns,
    lines: [
      ...columns.map(({ sql }) => sql),
      `foreign key (${list}) references ${parent.name} (${target.map(({ name }) => quote(name)).join(', ')}) ${pick(ACTIONS, action)}`,
      ...(unique ? [`unique (${list})`] : []),
    ],
  };
}

const ID_TYPES = ['bigint unsigned', 'int', 'bigint', 'int unsigned', 'smallint unsigned'];

function keyOf(
  { key }: TableSeed,
  { columns, foreign, lines }: { columns: readonly Column[]; foreign: readonly Column[]; lines: string[] },
): readonly Column[] {
  const usable = columns.filter(({ type }) => type.index !== 'no');
  const [first, second] = usable;
  const [parent, other] = foreign;
  const sql = pick(ID_TYPES, key);
  const id = {
    name: 'id',
    type: { sql, family: 'number', index: 'whole', checks: [], fallback: null },
    sql: '',
  } as const;
  const form = key % 12;
  if (form === 0) return [];
  if (form === 1 && first !== undefined) return [first];
  if (form === 2 && first !== undefined && second !== undefined) return [first, second];
  if (form === 3 && parent !== undefined && first !== undefined) return [parent, first];
  if (form === 4 && parent !== undefined && other !== undefined) return foreign;
  if (form === 5 && parent !== undefined) return foreign.slice(0, 1);
  const counts = key % 7 !== 0;
  lines.unshift(`id ${sql} ${counts ? 'auto_increment' : 'not null'}`);
  if (form === 6 && parent !== undefined) {
    if (counts) lines.push('key by_id (id)');
    return [parent, id];
  }
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
    ...own.map((each) => `${each.name} ${each.sql} ${refersToItself === 'not null' ? 'not null' : 'null'}`),
    `foreign key (${list}) references ${name} (${key.map((each) => quote(each.name)).join(', ')})`,
    ...(refersToItself === 'unique' ? [`unique (${list})`] : []),
  ];
}

const SAME_FAMILY = [
  (a: string, b: string) => `check (${a} < ${b})`,
  (a: string, b: string) => `check (${a} <= ${b})`,
  (a: string, b: string) => `check (${a} <> ${b})`,
];
const ANY_PAIR = [
  (a: string, b: string) => `check ((${a} is null) = (${b} is null))`,
  (a: string, b: string) => `check (${a} is not null or ${b} is not null)`,
  (a: string, b: string) => `check (coalesce(${a}, ${b}) is not null)`,
  (a: string, b: string) => `check (${a} is null or ${b} is not null)`,
];

function pairChecks({ pairs }: TableSeed, all: readonly Column[]): readonly string[] {
  return pairs.flatMap(({ first, second, form }) => {
    const [one, other] = [pick(all, first), pick(all, second)];
    if (one === other) return [];
    const [a, b] = [quote(one.name), quote(other.name)];
    const same =
      one.type.family === other.type.family && ['number', 'instant', 'text'].includes(one.type.family);
    return [same && form % 2 === 0 ? pick(SAME_FAMILY, form >> 1)(a, b) : pick(ANY_PAIR, form >> 1)(a, b)];
  });
}

function generatedColumns({ generated }: TableSeed, columns: readonly Column[]): readonly string[] {
  return generated.flatMap(({ of, form }, index) => {
    const { name, type } = pick(columns, of);
    const kind = form % 2 === 0 ? 'stored' : 'virtual';
    const unique = form % 5 === 0 && !type.sql.includes('text') ? ' unique' : '';
    if (type.family === 'text')
      return [`g${index} varchar(255) generated always as (upper(${quote(name)})) ${kind}${unique}`];
    if (type.family === 'number')
      return [`g${index} double generated always as (${quote(name)} / 2 + 1) ${kind}`];
    return [];
  });
}

interface Surroundings {
  readonly name: string;
  readonly all: readonly Column[];
}

function uniqueIndexes(
  { uniques }: TableSeed,
  { name, all, partitionedBy, dialect }: Surroundings & { partitionedBy: Column | null; dialect: Dialect },
): readonly string[] {
  return uniques.flatMap(({ columns, form }) => {
    const chosen = [...new Set(columns.map((each) => pick(all, each)))].filter(
      ({ type }) => type.index !== 'no',
    );
    if (partitionedBy !== null && !chosen.includes(partitionedBy)) chosen.push(partitionedBy);
    const [first] = chosen;
    if (first === undefined) return [];
    const parts = chosen.map(keyPart);
    const forms = [
      `create unique index u1 on ${name} (${parts.join(', ')});`,
      `create unique index u1 on ${name} (${parts.map((part) => `${part} desc`).join(', ')});`,
      `create index i1 on ${name} (${parts.join(', ')});`,
      ...(first.type.family === 'text' && /\((50|255|40|30)\)/.test(first.type.sql) && partitionedBy === null
        ? [`create unique index u2 on ${name} (${quote(first.name)}(6));`]
        : []),
      ...(dialect.flavor === 'mysql' && partitionedBy === null && first.type.family === 'text'
        ? [`create unique index u3 on ${name} ((lower(${quote(first.name)})));`]
        : []),
    ];
    return [pick(forms, form)];
  });
}
