import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findEngine } from '../engines/index.ts';
import { effectsOf, type SendContext } from './effects.ts';

const { dialect } = findEngine('postgres');
const SINGLE: SendContext = {
  bracketed: false,
  oneMessage: false,
  ending: 'rolled back',
  transactionalDdl: true,
};

function effects(texts: string, context: Partial<SendContext> = {}) {
  const statements = texts.split('; ').map((text) => {
    if (text.startsWith('!')) return { text: text.slice(1), outcome: 'failed' as const };
    if (text.startsWith('~')) return { text: text.slice(1), outcome: 'not run' as const };
    return { text, outcome: 'ok' as const };
  });
  return effectsOf(statements, { ...SINGLE, ...context }, dialect);
}

test('statements by themselves take effect one by one', () => {
  expect(effects('select 1; !select 2; ~select 3').effects).toEqual(['took effect', 'none', 'none']);
});

test('a bracket decides for all of them', () => {
  expect(effects('select 1; !select 2', { bracketed: true }).effects).toEqual(['rolled back', 'rolled back']);
  expect(effects('select 1; select 2', { bracketed: true, ending: 'committed' }).effects).toEqual([
    'took effect',
    'took effect',
  ]);
  expect(effects('select 1', { bracketed: true, ending: 'unknown' }).effects).toEqual(['unknown']);
});

test('a message of several statements is a transaction of the server', () => {
  expect(effects('select 1; !select 2', { oneMessage: true }).effects).toEqual([
    'rolled back',
    'rolled back',
  ]);
});

test('COMMIT inside a message keeps what came before it', () => {
  expect(effects('begin; select 1; commit; select 2; !select 3', { oneMessage: true }).effects).toEqual([
    'took effect',
    'took effect',
    'took effect',
    'rolled back',
    'rolled back',
  ]);
});

test('ROLLBACK takes back, a savepoint decides nothing, AND CHAIN opens the next transaction', () => {
  expect(effects('begin; select 1; rollback; select 2').effects).toEqual([
    'rolled back',
    'rolled back',
    'rolled back',
    'took effect',
  ]);
  expect(
    effects('begin; savepoint s; rollback to savepoint s; commit', { ending: 'committed' }).effects,
  ).toEqual(Array(4).fill('took effect'));
  expect(effects('begin; select 1; commit and chain; !select 2').effects).toEqual([
    'took effect',
    'took effect',
    'took effect',
    'rolled back',
  ]);
});

test('a transaction that is left open is told', () => {
  expect(effects('begin; select 1', { ending: 'committed' }).leftOpen).toBe(true);
  expect(effects('begin; select 1; end', { ending: 'committed' }).leftOpen).toBe(false);
});

test('what refuses a transaction may leave a part of itself', () => {
  expect(effects('!create index concurrently i on t (a)').effects).toEqual(['unknown']);
});

test('where DDL commits by itself, a bracket keeps nothing together', () => {
  const context = { bracketed: true, transactionalDdl: false };
  expect(
    effects('insert into t values (1); create table u (a int); insert into t values (2); !select 1', context)
      .effects,
  ).toEqual(['took effect', 'took effect', 'took effect', 'none']);
});

test('every statement that ran is decided, whatever the order of transactions', () => {
  const texts = fc.array(
    fc.constantFrom('begin', 'commit', 'rollback', 'select 1', 'create table t (a int)'),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(texts, fc.boolean(), (statements, oneMessage) => {
      const sent = statements.map((text) => ({ text, outcome: 'ok' as const }));
      const found = effectsOf(sent, { ...SINGLE, oneMessage, ending: 'committed' }, dialect).effects;
      expect(found.every((effect) => effect === 'took effect' || effect === 'rolled back')).toBe(true);
    }),
  );
});

test('where DDL commits by itself, only a statement that the server could not read commits nothing', () => {
  const statements = (code: string) => [
    { text: 'insert into t values (1)', outcome: 'ok' as const },
    {
      text: 'alter table t add column a int',
      outcome: 'failed' as const,
      error: { code, message: '', statement: null, position: null },
    },
  ];
  const context = { ...SINGLE, bracketed: true, transactionalDdl: false };
  const mysql = findEngine('mysql').dialect;
  expect(effectsOf(statements('1060'), context, mysql).effects).toEqual(['took effect', 'none']);
  expect(effectsOf(statements('1064'), context, mysql).effects).toEqual(['rolled back', 'rolled back']);
});
