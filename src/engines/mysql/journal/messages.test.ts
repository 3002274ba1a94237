import { expect, test } from 'vitest';
import type { StatementEvent } from './events.ts';
import { createMessages } from './messages.ts';

function event(changes: Partial<StatementEvent>): StatementEvent {
  return {
    thread: 7,
    eventId: 1,
    endEventId: 1,
    name: 'statement/sql/select',
    text: 'select 1',
    textBytes: 8,
    startedMs: 0,
    endedMs: 1,
    lockMs: 0,
    affected: 0,
    sent: 0,
    warnings: 0,
    error: null,
    parentEventId: null,
    transactionEventId: null,
    ...changes,
  };
}

const request = {
  sessionOf: () => ({ sessionId: 5, applicationName: 'tool', beside: false }),
  at: (timerMs: number) => ({ notBeforeMs: timerMs, notAfterMs: timerMs }),
  flavor: 'mysql',
  mostTextBytes: 1024,
} as const;

const call = event({ eventId: 10, endEventId: 99, text: 'call p()', startedMs: 0, endedMs: 100 });
const inner = (
  eventId: number,
  text: string | null,
  parentEventId = 10,
  more: Partial<StatementEvent> = {},
) =>
  event({
    eventId,
    endEventId: eventId,
    text,
    parentEventId,
    name: 'statement/sp/stmt',
    startedMs: eventId,
    endedMs: eventId + 2,
    affected: 3,
    ...more,
  });

test('equal statements of a loop are one with their number, those of another place are apart', () => {
  const messages = createMessages(request);
  const loop = [20, 30, 40].map((eventId) => inner(eventId, 'update t'));
  const nested = [21, 31].map((eventId) => inner(eventId, 'insert audit', eventId - 1));
  // They end before what runs them.
  expect(messages.add([...loop, ...nested, inner(50, null), inner(51, 'delete u', 50)], 0)).toEqual([]);
  const [message] = messages.add([call], 0);
  expect(message?.statements).toMatchObject([
    { text: 'call p()', within: null, durationMs: { lower: 100, upper: 100 } },
    {
      text: 'update t',
      within: 0,
      runs: { lower: 3, upper: 3 },
      durationMs: { lower: 6, upper: 6 },
      rows: { lower: 9 },
    },
    { text: 'insert audit', within: 1, runs: { lower: 2 } },
    { text: 'delete u', within: 0 },
  ]);
  expect(message?.statements[3]).not.toHaveProperty('runs');
});

test('where statements were lost what ran inside is told as at least that', () => {
  const messages = createMessages(request);
  const [message] = messages.add([inner(20, 'update t'), inner(30, 'update t'), call], 8);
  expect(message?.statements[1]).toMatchObject({
    runs: { lower: 2, upper: 10 },
    durationMs: { lower: 4, upper: 100 },
    rows: { notMeasured: expect.stringContaining('lost') },
  });
  expect(message?.statements[0]?.durationMs).toMatchObject({ lower: 100, upper: 100 });
});

test('what prepares runs nothing, unless it fails; what has no text is left out', () => {
  const messages = createMessages(request);
  const texts = messages
    .add(
      [
        event({ eventId: 1, name: 'statement/sql/prepare_sql', text: 'update t' }),
        event({ eventId: 2, name: 'statement/com/Ping', text: null }),
        event({
          eventId: 3,
          name: 'statement/com/Prepare',
          text: 'selec',
          error: { code: '1064', message: 'syntax' },
        }),
        event({ eventId: 4, name: 'statement/sql/execute_sql', text: 'update t', textBytes: 1023 }),
      ],
      0,
    )
    .flatMap(({ statements }) => statements.map(({ text, outcome, textCut }) => [text, outcome, textCut]));
  expect(texts).toEqual([
    ['selec', 'failed', undefined],
    ['update t', 'ok', true],
  ]);
});

test('of five hundred different ones the rest is counted', () => {
  const messages = createMessages(request);
  const many = Array.from({ length: 600 }, (_, index) => inner(11 + index, `select ${index}`));
  const [message] = messages.add([...many, { ...call, endEventId: 10_000 }], 0);
  expect(message?.statements).toHaveLength(500);
  expect(messages.leftOut).toBe(101);
});
