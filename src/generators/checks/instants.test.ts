import { expect, test } from 'vitest';
import { holds } from './evaluate.ts';
import { parseExpression } from './expression.ts';

const ROW: Readonly<Record<string, string>> = {
  issued: '2024-02-28',
  due: '2024-03-01',
  sent: '2024-02-28 12:00:00',
};

test.each([
  ["(due >= (issued + '2 days'::interval))", true],
  ["(due >= (issued + '3 days'::interval))", false],
  ['(`due` between `issued` and (`issued` + interval 1 day))', false],
  ['(`due` between `issued` and (`issued` + interval 1 week))', true],
  ["(sent <= (issued + '12:00:00'::interval))", true],
  ["(due >= (issued + '36:00:00'::interval))", true],
  ["(due >= (issued + '2 days 01:00:00'::interval))", false],
  ["(due > (issued + '1 mon'::interval))", 'doubt'],
  ['(due <= (issued + 2))', true],
  ['(due <= (issued + 1))', false],
  ['((due - issued) = 2)', true],
  ["(`due` >= cast('2024-03-02' as date))", false],
] as const)('%s', (check, expected) => {
  expect(holds(parseExpression(check), (name) => ROW[name] ?? null)).toBe(expected);
});
