import { expect, test } from 'vitest';
import { statementRecord, step } from '../checks/recording.fixture.ts';
import { soleNaming } from './statements.ts';

const kindOf = (text: string): string =>
  /^(alter|create|rename)/.test(text) ? 'ddl' : /^call/.test(text) ? 'other' : 'dml';

const naming = (table: string, ...texts: readonly string[]): string | null =>
  soleNaming(
    step({
      statements: texts.map((text, index) =>
        statementRecord({ id: String(index), text, effect: 'took effect' }),
      ),
    }),
    kindOf,
    table,
  );

test('of several statements the only one that names a table has changed it', () => {
  const texts = [
    'alter table Orders add tax int',
    'alter table `orders_old` add tax int',
    'update orders set a = 1',
  ];
  expect(naming('orders', ...texts)).toBe('0');
  expect(naming('orders_old', ...texts)).toBe('1');
  expect(naming('customers', ...texts)).toBeNull();
});

test('two that name it, or one that may do anything, leave it open', () => {
  expect(
    naming('orders', 'alter table orders add tax int', 'create view v as select 1 from orders'),
  ).toBeNull();
  expect(naming('orders', 'alter table orders add tax int', 'call upgrade()')).toBeNull();
});
