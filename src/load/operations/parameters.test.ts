import { expect, test } from 'vitest';
import type { ColumnType, ParameterInspection, TableDescription } from '../../engines/engine.ts';
import { type InspectedStatement, type ResolveContext, resolveSources } from './parameters.ts';
import type { Hint } from './workload.ts';

const integer: ColumnType = {
  kind: 'integer',
  declared: 'bigint',
  base: 'int8',
  maxLength: null,
  precision: null,
  scale: null,
  unsigned: false,
  labels: [],
  element: null,
  fields: [],
};

function table(
  name: string,
  columns: readonly string[],
  change: Partial<TableDescription> = {},
): TableDescription {
  return {
    name,
    parts: ['public', name],
    columns: columns.map((column) => ({
      name: column,
      type: integer,
      nullable: false,
      defaultExpression: null,
      generated: 'no',
    })),
    primaryKey: columns.slice(0, 1),
    uniques: [],
    foreignKeys: [],
    checks: [],
    partitioning: 'none',
    partitionBounds: [],
    partitionKey: null,
    hasRows: true,
    ...change,
  };
}

const tables = [
  table('orders', ['id', 'customer_id', 'status', 'code'], {
    uniques: [['code']],
    foreignKeys: [
      { name: 'fk', columns: ['customer_id'], references: 'customers', referencedColumns: ['id'] },
    ],
  }),
  table('lines', ['order_id', 'line', 'amount'], { primaryKey: ['order_id', 'line'] }),
];

function context(): ResolveContext & { readonly pools: string[] } {
  const pools: string[] = [];
  return {
    pools,
    tables: new Map(tables.map((each) => [each.name, each])),
    generated: new Set(['orders', 'lines']),
    fillable: new Map(tables.map((each) => [each.name, each.columns.map(({ name }) => name)])),
    bytesInHex: false,
    keyPool(of, column) {
      const name = `${of}.${column}`;
      if (!pools.includes(name)) pools.push(name);
      return pools.indexOf(name);
    },
    rowPools({ table: of, keys, orderedBy }) {
      const first = pools.length;
      pools.push(
        ...keys.map(
          (key) => `${of}.${typeof key === 'string' ? key : key.text} of ${keys.length} by ${orderedBy}`,
        ),
      );
      return keys.map((_, index) => first + index);
    },
  };
}

type Wanted = readonly [reference: string, role: ParameterInspection['role'], column: string | null];

const equals = (reference: string, column: string): Wanted => [reference, 'equality', column];

function statement(
  kind: 'read' | 'write',
  wanted: readonly Wanted[],
  hints: readonly (readonly [string, Hint])[] = [],
): InspectedStatement {
  return {
    line: 5,
    references: wanted.map(([reference]) => reference),
    hints: new Map(hints),
    inspection: {
      kind,
      tables: [],
      fullScans: [],
      parameters: wanted.map(([, role, name]) => ({
        type: integer,
        role,
        column: name === null ? null : { table: name.split('.')[0] ?? '', column: name.split('.')[1] ?? '' },
      })),
    },
  };
}

test('reads of a key have favourites, writes have none, plain columns take values of some row', () => {
  const sourcesOf = (column: string) =>
    resolveSources([statement('read', [equals('$1', column)])], context()).sources;
  expect(sourcesOf('orders.id')).toEqual([
    [{ from: 'key', pool: 0, table: 'orders', column: 'id', pick: 'zipf' }],
  ]);
  expect(sourcesOf('orders.status')).toEqual([
    [{ from: 'any row', table: 'orders', column: 'status', draw: 0 }],
  ]);
  const written = resolveSources([statement('write', [['$1', 'equality', 'orders.id']])], context());
  expect(written.sources[0]?.[0]).toMatchObject({ from: 'key', pick: 'uniform' });
});

test('what a transaction looks up is what it then changes', () => {
  const { sources } = resolveSources(
    [
      statement('read', [['$1', 'equality', 'orders.id']]),
      statement('write', [
        ['$1', 'set', 'orders.status'],
        ['$2', 'equality', 'orders.id'],
      ]),
    ],
    context(),
  );
  expect(sources[1]).toEqual([
    { from: 'any row', table: 'orders', column: 'status', draw: 1 },
    { from: 'same', statement: 0, parameter: 0 },
  ]);
});

test('a name has one value in the whole operation', () => {
  const { sources } = resolveSources(
    [
      statement('write', [
        [':order', 'inserted', 'orders.id'],
        [':by', 'inserted', 'orders.customer_id'],
      ]),
      statement('write', [[':order', 'inserted', 'lines.order_id']]),
    ],
    context(),
  );
  expect(sources[1]).toEqual([{ from: 'same', statement: 0, parameter: 0 }]);
});

test('each new row of an operation has its own number', () => {
  const twoRows = statement('write', [
    ['$1', 'inserted', 'orders.id'],
    ['$2', 'inserted', 'orders.status'],
    ['$3', 'inserted', 'orders.id'],
    ['$4', 'inserted', 'orders.status'],
  ]);
  const { sources } = resolveSources([twoRows, twoRows], context());
  const rows = sources.map((each) => each.map((source) => (source.from === 'new row' ? source.row : null)));
  expect(rows).toEqual([
    [0, 0, 1, 1],
    [2, 2, 3, 3],
  ]);
});

test('the columns of a composite key come from one row', () => {
  const of = { from: 'key', table: 'lines', pick: 'zipf', row: 0 } as const;
  const read = statement('read', [equals('$1', 'lines.order_id'), equals('$2', 'lines.line')]);
  expect(resolveSources([read], context()).sources[0]).toEqual([
    { ...of, column: 'order_id', pool: 0 },
    { ...of, column: 'line', pool: 1 },
  ]);
  const written = resolveSources(
    [read, { ...read, inspection: { ...read.inspection, kind: 'write' } }],
    context(),
  );
  expect(written.sources.flat()).toMatchObject(
    [0, 1, 0, 1].map((pool) => ({ pool, pick: 'uniform', row: 0 })),
  );
});

test('what statements of an operation compare with one table are columns of one row, whoever says so', () => {
  const byColumn = statement('read', [equals('$1', 'orders.customer_id')]);
  const byHint = statement(
    'write',
    [['$1', 'unknown', null]],
    [['$1', { kind: 'column', name: 'orders.id', pick: 'latest' }]],
  );
  const { sources } = resolveSources([byColumn, byHint], context());
  expect(sources.flat()).toMatchObject([
    { from: 'key', column: 'customer_id', pick: 'latest', row: 0 },
    { from: 'key', column: 'id', pick: 'latest', row: 0 },
  ]);
  const asked = context();
  resolveSources([byColumn, byHint], asked);
  expect(asked.pools).toEqual(['orders.customer_id of 2 by id', 'orders.id of 2 by id']);
});

test('a second value of a column is of a row that shares what it has no parameters of its own for', () => {
  const both = resolveSources(
    [
      statement('write', [equals(':customer', 'orders.customer_id'), equals(':from', 'orders.id')]),
      statement('write', [equals(':customer', 'orders.customer_id'), equals(':to', 'orders.id')]),
    ],
    context(),
  );
  expect(both.sources).toMatchObject([
    [
      { pool: 0, row: 0 },
      { pool: 1, row: 0 },
    ],
    [
      { from: 'same', statement: 0, parameter: 0 },
      { pool: 1, row: 1, like: [0] },
    ],
  ]);
  const two = resolveSources(
    [
      statement('read', [
        equals('$1', 'lines.order_id'),
        equals('$2', 'lines.line'),
        equals('$3', 'lines.order_id'),
        equals('$4', 'lines.line'),
      ]),
    ],
    context(),
  );
  expect(two.sources[0]).toMatchObject([0, 0, 1, 1].map((row) => ({ row })));
  expect(two.sources[0]?.some((source) => 'like' in source)).toBe(false);
});

test('what is set, a single end of a range and ranges alone are not of the row', () => {
  const { sources } = resolveSources(
    [
      statement('write', [
        ['$1', 'set', 'orders.status'],
        equals('$2', 'orders.id'),
        ['$3', 'range', 'orders.customer_id'],
      ]),
      statement('read', [
        ['$1', 'range', 'lines.order_id'],
        ['$2', 'range', 'lines.amount'],
      ]),
    ],
    context(),
  );
  expect(sources.flat().map((source) => 'row' in source)).toEqual([false, false, false, false, false]);
});

test('a unique column is set to the value of a new row', () => {
  const { sources } = resolveSources([statement('write', [['$1', 'set', 'orders.code']])], context());
  expect(sources[0]).toEqual([{ from: 'new row', table: 'orders', column: 'code', row: 0 }]);
});

test('two ends of a range are neighbours, a single end is a late one', () => {
  const between = resolveSources(
    [
      statement('read', [
        ['$1', 'range', 'orders.id'],
        ['$2', 'range', 'orders.id'],
        ['$3', 'limit', null],
      ]),
    ],
    context(),
  );
  expect(between.sources[0]).toEqual([
    { from: 'key', pool: 0, table: 'orders', column: 'id', pick: 'uniform' },
    { from: 'next key', statement: 0, parameter: 0, span: 1 },
    { from: 'integer', min: 10, max: 50 },
  ]);
  const since = resolveSources([statement('read', [['$1', 'range', 'orders.id']])], context());
  expect(since.sources[0]?.[0]).toMatchObject({ pick: 'latest' });
});

test('a hint wins, and says where a value comes from that nobody can tell', () => {
  const unknown: readonly Wanted[] = [['$1', 'unknown', null]];
  expect(resolveSources([statement('read', unknown)], context()).problems).toEqual([
    { line: 5, message: expect.stringContaining('cannot tell where $1 (bigint) comes from') },
  ]);
  const hinted = (hint: Hint) => resolveSources([statement('read', unknown, [['$1', hint]])], context());
  expect(hinted({ kind: 'integer', min: 2, max: 3 }).sources[0]).toEqual([
    { from: 'integer', min: 2, max: 3 },
  ]);
  expect(hinted({ kind: 'column', name: 'orders.id', pick: 'latest' }).sources[0]?.[0]).toMatchObject({
    pick: 'latest',
  });
  expect(hinted({ kind: 'column', name: 'orders.id', pick: 'new' }).sources[0]?.[0]).toMatchObject({
    from: 'new row',
  });
  expect(hinted({ kind: 'column', name: 'orders.nothing', pick: null }).problems[0]?.message).toMatch(
    /names no column of this database: "orders\.nothing"/,
  );
});

test('a hint for a parameter that is not there is a problem', () => {
  const { problems } = resolveSources(
    [statement('read', [['$1', 'limit', null]], [['$2', { kind: 'integer', min: 1, max: 1 }]])],
    context(),
  );
  expect(problems).toEqual([{ line: 5, message: 'the hint for $2 fits no parameter: remove it' }]);
});
