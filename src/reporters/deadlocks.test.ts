import { expect, test } from 'vitest';
import { MIGRATION, recording } from '../checks/recording.fixture.ts';
import { judge } from '../judge.ts';
import type { DeadlockParty, Recording } from '../recording/recording.ts';
import { renderReport } from './index.ts';

const render = (deadlocks: NonNullable<Recording['deadlocks']>, format: string): string =>
  renderReport(
    {
      recording: recording({ deadlocks }),
      judgement: judge(recording({ deadlocks })),
      checks: [],
    },
    format,
    { colour: false, width: 120 },
  );

const gap = { relation: 'slots', index: 'by_place' };
const party = (sessionId: number, more: Partial<DeadlockParty> = {}): DeadlockParty => ({
  session: {
    ...{ sessionId, owner: 'load', applicationName: 'app', state: null },
    statement: 'insert into slots\nvalues (?)',
  },
  ...{ statementCut: false, waitedFor: { ...gap, mode: 'X,GAP,INSERT_INTENTION' } },
  ...{ held: [{ ...gap, mode: 'X,GAP' }], victim: false, statementId: null, ...more },
});

const DEADLOCK = {
  server: 'rehearsal' as const,
  ...{ notBeforeMs: 1000, notAfterMs: 1020 },
  parties: [
    party(7),
    party(8, { session: { ...party(8).session, owner: MIGRATION.owner }, victim: true, statementCut: true }),
  ],
};

test.each(['terminal', 'markdown'])('both sides, their statements, locks and the victim: %s', (format) => {
  const text = render({ source: 'monitor', found: 1, seen: [DEADLOCK] }, format).replace(/\\(?=[_|<>])/g, '');
  expect(text).toContain('Deadlocks');
  expect(text).toMatch(
    /load 7 .*X,GAP,INSERT_INTENTION on slots, by_place.*X,GAP on slots, by_place.*went on/,
  );
  expect(text).toMatch(/migration 8 .*rolled back/);
  expect(text).toContain('insert into slots values (?)');
  expect(text).toContain('insert into slots values (?)…');
  expect(text).not.toContain('not measured');
});

test('those that were counted and not seen are not measured; none is said, and so is why nothing is known', () => {
  const unseen = render({ source: 'monitor', found: 3, seen: [DEADLOCK] }, 'markdown');
  expect(unseen).toMatch(/2 more deadlocks \| not measured \| not measured/);
  expect(render({ source: 'monitor', found: 0, seen: [] }, 'terminal')).toMatch(/deadlocks +none was found/);
  expect(render({ notMeasured: 'PROCESS is missing' }, 'terminal')).toMatch(/deadlocks +PROCESS is missing/);
});

test('the report for programs has them as they were recorded', () => {
  const deadlocks = { source: 'monitor', found: 1, seen: [DEADLOCK] };
  expect(JSON.parse(render(deadlocks, 'json')).recording.deadlocks).toEqual(deadlocks);
});
