/** Deadlocks of a report: each with all of its transactions, and what they held and waited for. Cells are not yet escaped. */
import { statementById } from '../checks/span.ts';
import type { DeadlockLock, DeadlockParty, DeadlockRecord, Recording } from '../recording/recording.ts';
import { count, counted, duration } from './format.ts';
import type { Table } from './tables.ts';

const SHOWN = 5;

const NONE: DeadlockRecord = { source: '', found: 0, seen: [] };

/** No rows when none was found. */
export function deadlocksTable(recording: Recording): Table {
  const { deadlocks = NONE } = recording;
  const { source, found, seen } = 'notMeasured' in deadlocks ? NONE : deadlocks;
  const shown = seen.slice(0, SHOWN);
  const unseen = found - seen.length;
  return {
    title: 'Deadlocks',
    head: ['transaction', 'waited for', 'held', 'outcome'],
    rows: [
      ...shown.flatMap(({ notAfterMs, parties }, index) => [
        [`${count(index + 1)}, at ${duration(notAfterMs)}`, '', '', `circle of ${count(parties.length)}`],
        ...parties.flatMap((party) => rowsOf(recording, party)),
      ]),
      ...(unseen > 0 ? [[counted(unseen, 'more deadlock'), 'not measured', 'not measured', '–']] : []),
    ],
    numeric: [],
    note: [
      ...(seen.length > shown.length ? [`${count(seen.length - shown.length)} more in the recording.`] : []),
      ...(unseen > 0
        ? ['Of those not measured the server had kept a newer one alone when it was asked.']
        : []),
      `Source: ${source}.`,
    ].join(' '),
  };
}

function rowsOf(recording: Recording, party: DeadlockParty): readonly (readonly string[])[] {
  const { session, statementCut, waitedFor, held, victim } = party;
  const [first, ...more] = held;
  const waited = waitedFor === null ? 'not told' : lockInWords(waitedFor);
  const owned = first === undefined ? 'not told' : lockInWords(first);
  return [
    [
      nameOf(recording, party),
      waited,
      owned,
      victim === null ? 'not told' : victim ? 'rolled back' : 'went on',
    ],
    ...more.map((lock) => ['', '', lockInWords(lock), '']),
    ...(session.statement === null
      ? []
      : [[`  ${session.statement.replace(/\s+/g, ' ')}${statementCut ? '…' : ''}`, '', '', '']]),
  ];
}

function nameOf(recording: Recording, { session, statementId }: DeadlockParty): string {
  const placed = statementById(recording, statementId);
  if (placed !== null) return `${placed.step.file}:${placed.statement.line}`;
  return session.owner === 'other' ? `session ${session.sessionId}` : `${session.owner} ${session.sessionId}`;
}

function lockInWords({ relation, index, mode }: DeadlockLock): string {
  return index === null ? `${mode} on ${relation}` : `${mode} on ${relation}, ${index}`;
}
