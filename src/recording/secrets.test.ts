import { expect, test } from 'vitest';
import { hideSecrets, withoutSecrets } from './secrets.ts';

test.each([
  ["create role app login password 's3cret'", "create role app login password '***'"],
  [
    "ALTER USER app ENCRYPTED PASSWORD E's3\\'cret' valid until 'x'",
    "ALTER USER app ENCRYPTED PASSWORD '***' valid until 'x'",
  ],
  ['create role app password $q$s3cret$q$', "create role app password '***'"],
  ["create user a identified by 's3''cret'", "create user a identified by '***'"],
  [
    "create user a identified with caching_sha2_password by 's3cret'",
    "create user a identified with caching_sha2_password by '***'",
  ],
  [
    "alter user a identified via ed25519 using password('s3cret')",
    "alter user a identified via ed25519 using password('***')",
  ],
  ["set password for 'a'@'%' = 's3cret'", "set password for 'a'@'%' = '***'"],
  ["set password = 's3cret'", "set password = '***'"],
  [
    "create user mapping for a server s options (user 'u', password 's3cret')",
    "create user mapping for a server s options (user 'u', password '***')",
  ],
])('%s', (sql, hidden) => {
  expect(hideSecrets(sql)).toBe(hidden);
});

test('what is no password stays', () => {
  for (const sql of [
    "comment on column users.password is 'as a hash'",
    'alter table users add column password text',
    "insert into notes values ('reset your password', 'today')",
    "select password, 'a' from users",
  ])
    expect(hideSecrets(sql)).toBe(sql);
});

test('every text of plain data is looked at, and all else stays as it is', () => {
  const data = { list: [{ text: "alter role a password 'x'", at: 1, none: null }], yes: true };
  expect(withoutSecrets(data)).toEqual({
    list: [{ text: "alter role a password '***'", at: 1, none: null }],
    yes: true,
  });
});
