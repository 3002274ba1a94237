import { expect, test } from 'vitest';
import { endsTransaction } from './ends-transaction.ts';

test.each([
  'commit',
  'begin; alter table t add column a int; commit;',
  '/* done */ END',
  'select 1; rollback and chain',
  'rollback;\nselect 1',
  "prepare transaction 'a'",
])('%s ends its transaction', (message) => {
  expect(endsTransaction(message)).toBe(true);
});

test.each([
  'begin',
  'savepoint a; rollback to a; rollback work to savepoint a',
  "select 'x; commit'",
  'do $$ begin commit; end $$',
  'alter table commit add column rollback int',
  '-- commit\nselect 1',
])('%s does not, or the server says so', (message) => {
  expect(endsTransaction(message)).toBe(false);
});
