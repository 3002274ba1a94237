import { expect, test } from 'vitest';
import { rolesIn } from './roles.ts';

test.each<[string, readonly string[]]>([
  ['ALTER TABLE public.orders OWNER TO app;', ['app']],
  ['GRANT SELECT,INSERT ON TABLE public.orders TO "Reader 1" WITH GRANT OPTION;', ['Reader 1']],
  ['REVOKE ALL ON SCHEMA public FROM PUBLIC;', []],
  [
    'ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA public GRANT SELECT ON TABLES TO reader;',
    ['app', 'reader'],
  ],
  [
    'CREATE POLICY p ON public.orders FOR SELECT TO reader, "a ""b""" USING ((owner = CURRENT_USER));',
    ['reader', 'a "b"'],
  ],
  ["CREATE POLICY p ON public.orders USING ((note = 'go to bed'::text));", []],
  ['CREATE USER MAPPING FOR App SERVER far;', ['app']],
  ['GRANT SELECT ON TABLE t TO pg_monitor;', []],
  ["CREATE TABLE public.t (a text DEFAULT ' owner to x;'::text);", []],
])('%s', (statement, roles) => {
  expect(rolesIn(statement)).toEqual(roles);
});
