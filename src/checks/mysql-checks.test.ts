import { expect, test } from 'vitest';
import type { ObservedChange, StatementRecord } from '../recording/recording.ts';
import { algorithmCopied } from './algorithm-copied.ts';
import { NO_BUDGETS, recording, statementRecord, step } from './recording.fixture.ts';
import { rowVersionLimit } from './row-version-limit.ts';

const copied: ObservedChange = {
  statementId: '1#1.1',
  relation: 'orders',
  algorithm: 'copy',
  detail: '',
  source: 'ids',
};

function findingsOfCopy(text: string, changes: Partial<ObservedChange> = {}) {
  const statements = [statementRecord({ text })];
  const recorded = recording({ changes: [{ ...copied, ...changes }], steps: [step({ statements })] });
  return algorithmCopied.check(recorded, NO_BUDGETS);
}

test('an ALTER that was copied and names no algorithm is a breach, with its duration', () => {
  const [finding, more] = findingsOfCopy('alter table orders modify total bigint');
  expect(more).toBeUndefined();
  expect(finding).toMatchObject({
    verdict: 'fail',
    subject: 'orders',
    statementId: '1#1.1',
    figure: { lower: 100, upper: 100 },
  });
});

test.each([
  'alter table orders modify total bigint, algorithm=copy',
  'ALTER TABLE orders MODIFY total bigint, ALGORITHM = INPLACE',
  'alter table orders modify total bigint, algorithm copy',
  'optimize table orders',
])('%s was told what to do', (text) => {
  expect(findingsOfCopy(text)).toEqual([]);
});

test('the word in a comment or a text names no algorithm', () => {
  expect(findingsOfCopy('alter table orders -- algorithm=instant\n modify total bigint')).toHaveLength(1);
  expect(findingsOfCopy("alter table orders comment 'algorithm=instant'")).toHaveLength(1);
});

test.each(['instant', 'in place', 'in place with rebuild', 'rebuild (in place or copy)', null])(
  'what the server did as %s is no copy',
  (algorithm) => {
    expect(findingsOfCopy('alter table orders modify total bigint', { algorithm })).toEqual([]);
  },
);

test('of several statements in a step the one on the table is meant', () => {
  const texts = ['alter table orders modify total bigint', 'alter table customers add column a int'];
  const statements: readonly StatementRecord[] = texts.map((text, index) =>
    statementRecord({ text, index, id: `1#1.${index}` }),
  );
  const changes = [{ ...copied, statementId: null }];
  const found = algorithmCopied.check(recording({ changes, steps: [step({ statements })] }), NO_BUDGETS);
  expect(found.map(({ statementId }) => statementId)).toEqual(['1#1.0']);
});

test('of several ALTERs of one table the one that copied rows is meant, and none where that one names it', () => {
  const found = (...texts: readonly (readonly [text: string, rows: number])[]) => {
    const statements = texts.map(([text, rows], index) =>
      statementRecord({ text, index, id: `1#1.${index}`, rows }),
    );
    const changes = [{ ...copied, statementId: null }];
    return algorithmCopied
      .check(recording({ changes, steps: [step({ statements })] }), NO_BUDGETS)
      .map(({ statementId }) => statementId);
  };
  const instant = ['alter table orders add column a int', 0] as const;
  expect(found(instant, ['alter table orders modify total bigint', 5_000])).toEqual(['1#1.1']);
  expect(found(instant, ['alter table orders modify total bigint, algorithm = copy', 5_000])).toEqual([]);
  expect(found(['update orders set total = 1', 5_000], instant)).toEqual(['1#1.1']);
});

const versions = (before: number, after: number, algorithm = 'instant'): ObservedChange => ({
  ...copied,
  algorithm,
  rowVersions: { before, after, limit: 64 },
});
const worn = (before: number, after: number, columns: number, statementId: string | null = '1#1.1') =>
  verdicts({
    ...versions(before, after, 'in place with rebuild'),
    statementId,
    rowVersions: { before, after, limit: 64, columns },
  });
const verdicts = (...changes: readonly ObservedChange[]) =>
  rowVersionLimit.check(recording({ changes }), NO_BUDGETS).map(({ verdict, figure }) => [verdict, figure]);

test('row versions far from the limit are not told, those near it are', () => {
  expect(verdicts(versions(1, 2))).toEqual([]);
  expect(verdicts(versions(56, 57))).toEqual([]);
  expect(verdicts(versions(57, 58))).toMatchObject([['pass', { lower: 58 }]]);
});

test('a table is told once, by its last change', () => {
  expect(verdicts(versions(60, 61), versions(61, 62))).toMatchObject([['pass', { lower: 62 }]]);
  expect(verdicts(versions(60, 61), versions(61, 0, 'in place with rebuild'))).toEqual([]);
});

test('at the limit it is said that the next change rebuilds, before it how many are left', () => {
  const whats = [versions(63, 64), versions(62, 63), versions(57, 58)].map(
    (change) => rowVersionLimit.check(recording({ changes: [change] }), NO_BUDGETS)[0]?.what,
  );
  expect(whats).toEqual([
    'row versions, the limit of 64: the next ADD or DROP COLUMN rebuilds the table',
    'row versions of at most 64: after 1 more instant change the next one rebuilds the table',
    'row versions of at most 64: after 6 more instant changes the next one rebuilds the table',
  ]);
});

test('a rebuild for its own sake is no breach, and within a step of several statements it may be one', () => {
  expect(worn(64, 0, 0)).toEqual([]);
  expect(worn(64, 0, 1)).toMatchObject([['fail', { lower: 64 }]]);
  expect(worn(62, 1, 4, null)).toMatchObject([['inconclusive', { lower: 62 }]]);
  expect(worn(62, 1, 4)).toEqual([]);
  expect(worn(62, 0, 2, null)).toEqual([]);
});

test('a change that rebuilt the table because the limit was reached is a breach', () => {
  expect(verdicts(versions(64, 0, 'in place with rebuild'))).toMatchObject([['fail', { lower: 64 }]]);
  expect(verdicts(versions(3, 0, 'in place with rebuild'))).toEqual([]);
});
