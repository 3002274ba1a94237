import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inlineCopy, split } from './split.ts';

const texts = (script: string) => split(script).map((statement) => statement.text);

test('statements end at semicolons outside of quotes and comments', () => {
  expect(
    texts(
      `select 1; select ';' ;; select ";" -- a;b\n; /* a; /* b; */ c; */ select $$;$$; select $a$ $$; $a$`,
    ),
  ).toEqual(['select 1', "select ';'", 'select ";"', 'select $$;$$', 'select $a$ $$; $a$']);
});

test('each statement tells the line and offset of its first token', () => {
  const script = '-- heading\n\nselect 1;\n  /* why */ select\n2;';
  expect(split(script)).toEqual([
    { text: 'select 1', line: 3, offset: 12 },
    { text: 'select\n2', line: 4, offset: 34 },
  ]);
});

test.each([
  ["select E'a\\';b'; select 2", ["select E'a\\';b'", 'select 2']],
  ["select 'a\\'; select 2", ["select 'a\\'", 'select 2']],
  ["select E'a' -- c\n '\\';b'; select 2", ["select E'a' -- c\n '\\';b'", 'select 2']],
  [
    "set standard_conforming_strings = off; select 'a\\';b'; select 2",
    ['set standard_conforming_strings = off', "select 'a\\';b'", 'select 2'],
  ],
  ['select U&\'\\0061;\', U&"a;"; select 2', ['select U&\'\\0061;\', U&"a;"', 'select 2']],
  ['select a$b$ from t; select $1$2', ['select a$b$ from t', 'select $1$2']],
  ['select 1 +--;\n 2; select 3', ['select 1 +--;\n 2', 'select 3']],
  ["select 'never closed; select 2", ["select 'never closed; select 2"]],
  ['-- nothing but a comment', []],
  ['\ufeffselect 1', ['select 1']],
])('%j has the statements %j', (script, expected) => {
  expect(texts(script)).toEqual(expected);
});

test('bodies and rules keep their semicolons', () => {
  const body =
    'create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end';
  const rule =
    'create rule r as on insert to t do instead (insert into a values (1); insert into b values (2))';
  const block = 'do $do$ begin perform 1; end; $do$';
  expect(texts(`${body};\n${rule};\n${block};\nbegin; select 1; end;`)).toEqual([
    body,
    rule,
    block,
    'begin',
    'select 1',
    'end',
  ]);
});

test('COPY keeps the data that follows it in a dump', () => {
  const script = 'COPY public.t (a, b) FROM stdin;\n1\tit\'s; "\n\n\\.\n\nselect 1;';
  const [copy, select] = split(script);
  expect(select).toMatchObject({ text: 'select 1', line: 6 });
  expect(inlineCopy(copy?.text ?? '')).toEqual({
    statement: 'COPY public.t (a, b) FROM stdin',
    data: '1\tit\'s; "\n\n',
  });
  expect(texts('copy t from stdin with (format csv);\na\nb')).toEqual([
    'copy t from stdin with (format csv);\na\nb\n\\.',
  ]);
  expect(inlineCopy('copy t to stdout')).toBeNull();
  expect(inlineCopy("select 'copy t from stdin;'")).toBeNull();
});

test('what pg_dump writes for psql is skipped, and what psql would have to do is refused', () => {
  const dump = "\\restrict aBc'Def\n\nSET a = 1;\n\\connect shop\nselect 1;\n\\unrestrict aBc'Def\n";
  expect(texts(dump)).toEqual(['SET a = 1', 'select 1']);
  expect(() => split('select 1;\n\\i other.sql\n')).toThrow(/line 2: "\\i other\.sql" is a command of psql/);
  expect(() => split('\\set limit 5\n')).toThrow(/psql/);
});

/** Pieces of SQL in which a semicolon does not end a statement. */
const quotedPiece = fc.oneof(
  fc.string().map((text) => `'${text.replaceAll("'", "''")}'`),
  fc.string().map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`),
  fc.string().map((text) => `"${text.replaceAll('"', '""')}"`),
  fc
    .tuple(fc.constantFrom('', 'a', '_b1'), fc.string())
    .map(([tag, text]) => `$${tag}$${text.replaceAll('$', '')}$${tag}$`),
  fc.string().map((text) => `/*${text.replaceAll(/[*/]/g, ';')}/* ; */*/`),
  fc.string().map((text) => `--${text.replaceAll(/[\n\r]/g, ';')}\n`),
  fc.string().map((text) => `(${text.replaceAll(/[^a-z; ]/g, '')})`),
);
const plainPiece = fc.constantFrom('a', 'b1', '1.5', '+', ',', ' ', '\n', '$1', '::');
const statementText = fc
  .array(fc.oneof(quotedPiece, plainPiece), { maxLength: 8 })
  .map((pieces) => `select ${pieces.join(' ')} z`);

test('splitting what was joined gives it back, whatever the quotes hold', () => {
  fc.assert(
    fc.property(fc.array(statementText, { minLength: 1, maxLength: 5 }), (statements) => {
      expect(texts(statements.join(';'))).toEqual(statements);
    }),
  );
});

test('offsets point at the statements, and any text at all is split without an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'\'"$;-/*\\aE(\n ') }), (script) => {
      fc.pre(!/\\/.test(script));
      for (const { text, offset } of split(script)) expect(script.startsWith(text, offset)).toBe(true);
    }),
  );
});
