import { expect, test } from 'vitest';
import { fromNormalised } from './normalised.ts';

const context = { columnsOf: (table: string) => (table === 'orders' ? 3 : null), listLength: 3 };

test.each([
  [
    'SELECT `a` . `id` FROM `orders` `a` WHERE `a` . `id` = ?',
    'SELECT `a`.`id` FROM `orders` `a` WHERE `a`.`id` = $1',
  ],
  [
    'SELECT COUNT ( * ) FROM `orders` WHERE `id` IN (...)',
    'SELECT COUNT( * ) FROM `orders` WHERE `id` IN($1, $2, $3)',
  ],
  [
    'INSERT INTO `orders` ( `id` , `note` ) VALUES (...)',
    'INSERT INTO `orders` ( `id` , `note` ) VALUES($1, $2)',
  ],
  ['INSERT INTO `orders` VALUES (...)', 'INSERT INTO `orders` VALUES($1, $2, $3)'],
  [
    'INSERT INTO `orders` ( `id` , `note` ) VALUES (...) /* , ... */',
    'INSERT INTO `orders` ( `id` , `note` ) VALUES($1, $2), ($3, $4), ($5, $6)',
  ],
  [
    'INSERT INTO `t` ( `a` , `b` , `c` , `d` ) VALUES ( ?, ... , NOW ( ) )',
    'INSERT INTO `t` ( `a` , `b` , `c` , `d` ) VALUES( $1, $2, $3 , NOW( ) )',
  ],
  ['INSERT INTO `t` ( `a` ) VALUES (?) /* , ... */', 'INSERT INTO `t` ( `a` ) VALUES( $1 ) , ($2), ($3)'],
  ['SELECT * FROM `orders` LIMIT ?, ...', 'SELECT * FROM `orders` LIMIT $1, $2'],
  ['SELECT * FROM `t` WHERE ( `a` , `b` ) = (...)', 'SELECT * FROM `t` WHERE( `a` , `b` ) = ($1, $2)'],
  ["UPDATE `t` SET `a` = '?' WHERE `id` = ?", 'UPDATE `t` SET `a` = $1 WHERE `id` = $2'],
])('%s', (text, statement) => {
  expect(fromNormalised(text, context)).toEqual({ statement });
});

test.each([
  ['SELECT * FROM `orders` WHERE `id` = ? AND ...', /max_digest_length/],
  ['SELECT CONCAT (?, ...) FROM `orders`', /how many values/],
  ['INSERT INTO `elsewhere` VALUES (...)', /how many values/],
])('%s is refused', (text, reason) => {
  expect(fromNormalised(text, context)).toEqual({ refused: expect.stringMatching(reason) });
});
