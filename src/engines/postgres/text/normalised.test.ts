import { expect, test } from 'vitest';
import { fromNormalised } from './normalised.ts';

const context = { columnsOf: () => null, listLength: 4 };

test.each([
  ['select * from t where id = $1 and b = $2;', 'select * from t where id = $1 and b = $2'],
  [
    'select * from t where id in ($1 /*, ... */) and b = $2',
    'select * from t where id in ($1, $3, $4, $5) and b = $2',
  ],
  [
    'select * from t where at > now() - interval $1',
    'select * from t where at > now() - cast($1 as interval)',
  ],
  [
    'select * from t where day = date $1 and x = $2::date',
    'select * from t where day = cast($1 as date) and x = $2::date',
  ],
  ['select at at time zone $1 from t', 'select at at time zone $1 from t'],
  ['select count($1) from t where c = $2', 'select count($1::int) from t where c = $2'],
  ["select * from t where a = '?' limit ?", 'select * from t where a = $1 limit $2'],
  ['select * from t where doc ? $1 and b > ?', 'select * from t where doc ? $1 and b > $2'],
  ['select id /* by $9 */ from t where "?" = $1', 'select id /* by $9 */ from t where "?" = $1'],
])('%s', (text, statement) => {
  expect(fromNormalised(text, context)).toEqual({ statement });
});
