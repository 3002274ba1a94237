import { expect, test } from 'vitest';
import { areaOfLink } from './open-files.ts';

const apart = { dataDirectory: '/var/lib/mysql', tmpdir: ['/tmp', '/big/tmp'], innodbTmpdir: ['/fast/sort'] };

test.each([
  ['/tmp/ibXYZ (deleted)', 'tmpdir'],
  ['/big/tmp/MLa1b2 (deleted)', 'tmpdir'],
  ['/tmp/#sql1_2.MAD', 'tmpdir'],
  ['/fast/sort/ibXYZ (deleted)', 'innodbTmpdir'],
  ['/var/lib/mysql/shop/orders.ibd (deleted)', 'temporary'],
  ['/var/lib/mysql/shop/orders.ibd', null],
  ['/tmpfoo/other', null],
  ['/dev/shm/x (deleted)', null],
  ['/memfd:x (deleted)', null],
  ['socket:[123]', null],
] as const)('%s is %s', (link, area) => {
  expect(areaOfLink(link, apart)).toBe(area);
});

test('without an innodb_tmpdir InnoDB sorts in the tmpdir, and what the walk finds there is not counted twice', () => {
  const inside = { dataDirectory: '/data', tmpdir: ['/data/tmp'], innodbTmpdir: [] };
  expect(areaOfLink('/data/tmp/ib1 (deleted)', inside)).toBe('tmpdir');
  expect(areaOfLink('/data/tmp/#sql1.MAD', inside)).toBeNull();
});
