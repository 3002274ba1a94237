import { expect, test } from 'vitest';
import { parseExpression } from './expression.ts';
import { UnreadableExpression } from './tokens.ts';

const column = (name: string) => ({ kind: 'column', name }) as const;
const literal = (text: string) => ({ kind: 'literal', text }) as const;

test('drops the casts that Postgres prints', () => {
  expect(parseExpression('CHECK ((price > (0)::numeric))')).toEqual({
    kind: 'binary',
    operator: '>',
    left: column('price'),
    right: literal('0'),
  });
});

test('reads = ANY over an array of casted texts as a list', () => {
  const printed =
    "((status)::text = ANY ((ARRAY['open'::character varying, 'it''s'::character varying])::text[]))";
  expect(parseExpression(printed)).toEqual({
    kind: 'binary',
    operator: 'in',
    left: column('status'),
    right: { kind: 'list', items: [literal('open'), literal("it's")] },
  });
});

test('reads what MySQL prints', () => {
  expect(parseExpression("(`state` in (_utf8mb4'a',_utf8mb4'b'))")).toEqual({
    kind: 'binary',
    operator: 'in',
    left: column('state'),
    right: { kind: 'list', items: [literal('a'), literal('b')] },
  });
});

test('binds NOT before AND before OR, and BETWEEN takes its own AND', () => {
  const parsed = parseExpression('not a = 1 and b between 2 and 3 or c is not null');
  expect(parsed.kind).toBe('or');
  if (parsed.kind !== 'or') return;
  expect(parsed.items[0]).toMatchObject({ kind: 'and', items: [{ kind: 'not' }, { kind: 'and' }] });
  expect(parsed.items[1]).toEqual({ kind: 'not', of: { kind: 'isNull', of: column('c') } });
});

test('reads types of several words, time zones and negative numbers', () => {
  expect(parseExpression("at >= '2024-01-01 00:00:00+00'::timestamp(3) with time zone")).toMatchObject({
    right: literal('2024-01-01 00:00:00+00'),
  });
  expect(parseExpression('balance >= (-10.5)::double precision')).toMatchObject({ right: literal('-10.5') });
  expect(parseExpression('length(TRIM(BOTH FROM "Name")) > 0')).toMatchObject({
    left: { kind: 'call', name: 'length', args: [{ name: 'trim', args: [column('Name')] }] },
  });
});

test.each(['case when a then b', '(a, b) = (1, 2)', 'a ==== b', 'a >', 'a > 1)', "a is of ('x')"])(
  'says that %s is unreadable',
  (source) => {
    expect(() => parseExpression(source)).toThrow(UnreadableExpression);
  },
);
