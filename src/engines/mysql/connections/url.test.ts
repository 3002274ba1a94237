import { expect, test } from 'vitest';
import { parseUrl } from './url.ts';

test('a URL says where and as whom', () => {
  expect(parseUrl('mysql://me:p%40ss@db.example:3307/shop?ssl-mode=VERIFY_IDENTITY')).toEqual({
    host: 'db.example',
    port: 3307,
    socket: null,
    user: 'me',
    password: 'p@ss',
    database: 'shop',
    tls: true,
    verifyTls: true,
  });
  expect(parseUrl('mariadb://me@/shop?socket=/run/my%20sql.sock')).toMatchObject({
    socket: '/run/my sql.sock',
    port: 3306,
    password: '',
    tls: false,
  });
});

test.each([
  ['postgres://a:secret@b/c', /is no URL of MySQL or MariaDB/],
  ['shop', /has no scheme/],
  ['mysql://db/shop', /names no user/],
  ['mysql://me:secret@db', /names no database/],
  ['mysql://me:secret@db/shop?ssl-mode=maybe', /ssl-mode "maybe" is unknown/],
  ['mysql://me:secret@db/shop?charset=x', /the parameter "charset"/],
  ['mysql://me:se%zzcret@db/shop', /the password in the database URL has a "%"/],
])('%s is refused without its password', (url, reason) => {
  expect(() => parseUrl(url)).toThrow(reason);
  expect(() => parseUrl(url)).not.toThrow(/se(?:%zz)?cret/);
});
