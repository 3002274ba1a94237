import { expect, test } from 'vitest';
import { UsageError } from '../../../errors.ts';
import { parseUrl } from './url.ts';

const plain = {
  host: 'db.example',
  port: 5432,
  socket: null,
  user: 'app',
  password: 'secret',
  database: 'shop',
  tls: false,
  verifyTls: false,
};

test('a URL gives host, port, user, password and database', () => {
  expect(parseUrl('postgres://app:secret@db.example/shop')).toEqual(plain);
  expect(parseUrl('postgresql://app:secret@db.example:6543/shop')).toEqual({ ...plain, port: 6543 });
  expect(parseUrl('postgres://app:secret@[::1]/shop').host).toBe('::1');
  expect(parseUrl('postgres://a%40b:p%2F%25w@db.example/my%20shop')).toMatchObject({
    user: 'a@b',
    password: 'p/%w',
    database: 'my shop',
  });
});

test('a socket is written as a parameter or as the host', () => {
  const socket = { ...plain, host: 'localhost', socket: '/var/run/postgresql', password: '' };
  expect(parseUrl('postgres://app@/shop?host=/var/run/postgresql')).toEqual(socket);
  expect(parseUrl('postgres:///shop?host=/var/run/postgresql&user=app')).toEqual(socket);
  expect(parseUrl('postgres://app@%2Fvar%2Frun%2Fpostgresql/shop')).toEqual(socket);
  expect(parseUrl('postgres://app@/shop?host=/tmp&port=5433')).toMatchObject({ socket: '/tmp', port: 5433 });
});

test('sslmode says whether the connection is encrypted and the certificate checked', () => {
  const modeOf = (mode: string) => {
    const { tls, verifyTls } = parseUrl(`postgres://app@h/shop?sslmode=${mode}`);
    return [tls, verifyTls];
  };
  expect(modeOf('disable')).toEqual([false, false]);
  expect(modeOf('require')).toEqual([true, false]);
  expect(modeOf('verify-full')).toEqual([true, true]);
});

test.each([
  ['shop', /no scheme/],
  ['mysql://app:secret@h/shop', /"mysql:\/\/" is not a Postgres URL/],
  ['postgres://h/shop', /names no user/],
  ['postgres://app:secret@h', /names no database/],
  ['postgres://app:secret@h:99999/shop', /cannot be read/],
  ['postgres://app:secret@/shop?host=h&port=0', /port "0"/],
  ['postgres://app:se/cret@h/shop', /cannot be read/],
  ['postgres://app:secret%@h/shop', /password in the database URL has a "%"/],
  ['postgres://app:secret@a,b/shop', /several hosts|cannot be read/],
  ['postgres://app:secret@h/shop?sslmode=maybe', /sslmode "maybe" is unknown/],
  ['postgres://app:secret@h/shop?schema=public', /parameter "schema".*remove it/],
])('%s is refused with what to write, and without the password', (url, message) => {
  const parse = () => parseUrl(url);
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(message);
  expect(parse).not.toThrow(/secret|cret@/);
});
