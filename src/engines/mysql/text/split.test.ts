import fc from 'fast-check';
import { expect, test } from 'vitest';
import { split } from './split.ts';

const texts = (script: string): readonly string[] => split(script).map(({ text }) => text);

test('a dump keeps its executable comments, and loses those between statements', () => {
  const dump = `-- MySQL dump 10.13
/*!40101 SET NAMES utf8mb4 */;
/*M!999999\\- enable the sandbox mode */
# note; with a semicolon
create table \`a;b\` (c varchar(9) default ';\\';', d char(1) default "\\";") engine=InnoDB; -- end
/*!50003 CREATE*/ /*!50003 TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.c = ';' */;
select 5--3;`;
  expect(texts(dump)).toEqual([
    '/*!40101 SET NAMES utf8mb4 */',
    `create table \`a;b\` (c varchar(9) default ';\\';', d char(1) default "\\";") engine=InnoDB`,
    "/*!50003 CREATE*/ /*!50003 TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.c = ';' */",
    'select 5--3',
  ]);
});

test.each(['//', '$$', ';;', '|'])('DELIMITER %s holds until the next one', (delimiter) => {
  const script = `delimiter ${delimiter}
create procedure p() begin select 1; select 2; end${delimiter}
-- between
DELIMITER ;
select 3; select 4`;
  expect(split(script)).toEqual([
    {
      text: 'create procedure p() begin select 1; select 2; end',
      line: 2,
      offset: script.indexOf('create'),
    },
    { text: 'select 3', line: 5, offset: script.indexOf('select 3') },
    { text: 'select 4', line: 5, offset: script.indexOf('select 4') },
  ]);
});

test('a routine is one statement without DELIMITER too', () => {
  const routine = `create definer=\`root\`@\`%\` trigger t before insert on a for each row begin
  if new.b then set new.c = case when 1 then 2 end; elseif 2 then set @x = 1; end if;
  case new.b when 1 then set @y = 1; end case;
  l: loop leave l; end loop;
  while 0 do begin end; end while;
  repeat set @z = 1; until 1 end repeat;
end`;
  expect(texts(`${routine}; select 1`)).toEqual([routine, 'select 1']);
  expect(texts('begin not atomic select 1; select 2; end; select 3')).toEqual([
    'begin not atomic select 1; select 2; end',
    'select 3',
  ]);
});

test('BEGIN opens no block where none can be', () => {
  expect(texts('begin; update t set a = 1; commit')).toEqual(['begin', 'update t set a = 1', 'commit']);
  expect(texts('create table e (event int, begin int); select 1')).toEqual([
    'create table e (event int, begin int)',
    'select 1',
  ]);
  expect(texts('create trigger t after insert on a for each row set @a = 1; select 1')).toHaveLength(2);
});

test('the database of a script gives way to the rehearsed one', () => {
  expect(texts('create database if not exists prod; use prod; select 1')).toEqual([
    'create database if not exists prod',
    'select 1',
  ]);
});

test('a file that another file is read from is refused by its line', () => {
  expect(() => split('select 1;\nsource other.sql')).toThrow(/line 2: "source other\.sql"/);
});

const pieces = fc.constantFrom(
  ...[
    "'a;b'",
    '"a;b"',
    '`a;b`',
    "'it''s;'",
    "'\\';'",
    '/* ; */',
    '# ;\n',
    '-- ;\n',
    'select',
    '(1)',
    ' ',
    '?',
  ],
);

test('a semicolon inside of quotes and comments never splits', () => {
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1 }), (parts) => {
      expect(split(`select 1 ${parts.join(' ')};select 2`)).toHaveLength(2);
    }),
  );
});

test('every statement stands in the script where it says', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'\'"`;#-/*!\\a(\n ') }), (script) => {
      let end = 0;
      const joined = (part: string) => part.replaceAll('\\\n', ' \n');
      for (const { text, offset, line } of split(script)) {
        expect(joined(script.slice(offset, offset + text.length))).toBe(joined(text));
        expect(offset).toBeGreaterThanOrEqual(end);
        expect(line).toBe(script.slice(0, offset).split('\n').length);
        end = offset + text.length;
      }
    }),
  );
});

test('a backslash at the end of a line is dropped, as the client does, but not in a literal', () => {
  const script = "set @a = \\\n  1;\nselect 'x\\\ny';";
  expect(split(script).map(({ text }) => text)).toEqual(['set @a =  \n  1', "select 'x\\\ny'"]);
});
