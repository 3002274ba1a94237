/** How much of the application queued behind which statement of the migration. Cells are not yet escaped. */
import { type BlockedBehind, type BlockedFigures, blockedApplication } from '../checks/blocked.ts';
import { LOCK_OBSERVER } from '../checks/waits.ts';
import { type Figure, isMeasured } from '../recording/figure.ts';
import type { Recording, SessionRecord } from '../recording/recording.ts';
import { count, duration, figureInCell, quantity } from './format.ts';
import type { Table } from './tables.ts';

const STATEMENTS_SHOWN = 12;
const TABLES_SHOWN = 4;

/** No rows when nothing waited and nothing was missed. */
export function blockedTable(recording: Recording): Table {
  const blocked = blockedApplication(recording);
  const { statements, doubt } = blocked ?? { statements: [], doubt: null };
  const shown = statements.slice(0, STATEMENTS_SHOWN);
  const atLeast = doubt !== null;
  const none = ['all', '–', 'not measured', 'not measured', 'not measured', '–', '–'];
  return {
    title: 'Application behind each statement',
    head: ['statement', 'table', 'operations', 'time lost', 'longest', 'in pool', 'root'],
    rows: [
      ...shown.flatMap((each) => rowsOf(each, atLeast)),
      ...(atLeast && statements.length === 0 ? [none] : []),
    ],
    numeric: [2, 3, 4, 5],
    note: noteOf(recording, statements.length - shown.length, doubt),
  };
}

/** One row, or with several tables one for all of them and one for each. */
function rowsOf(each: BlockedBehind, atLeast: boolean): readonly (readonly string[])[] {
  const { tables, roots, poolQueuePeak } = each;
  const [first] = tables;
  const single = tables.length === 1 && first !== undefined;
  const more = roots.length > 1 ? ` and ${count(roots.length - 1)} more` : '';
  return [
    [
      nameOf(each),
      single ? first.table : `${count(tables.length)} together`,
      ...cellsOf(each, atLeast),
      count(poolQueuePeak),
      each.behind === 'blocker not seen' ? '–' : `${rootInWords(roots[0])}${more}`,
    ],
    ...(single
      ? []
      : tables.slice(0, TABLES_SHOWN).map((table) => ['', table.table, ...cellsOf(table, atLeast), '', ''])),
  ];
}

/** Short, for a narrow column: the findings and the story have its drill and what it ran. */
function rootInWords(root: SessionRecord | undefined): string {
  if (root === undefined) return 'not seen';
  if (root.owner === 'migration') return 'itself';
  if (root.sessionId === 0) return root.applicationName || 'prepared';
  return root.owner === 'other' ? `session ${root.sessionId}` : `${root.owner} ${root.sessionId}`;
}

function nameOf({ behind }: BlockedBehind): string {
  return typeof behind === 'string' ? behind : `${behind.step.file}:${behind.statement.line}`;
}

function cellsOf({ operations, lostMs, longestMs }: BlockedFigures, atLeast: boolean): readonly string[] {
  const cell = (figure: Figure, unit: 'count' | 'ms'): string => {
    if (!isMeasured(figure)) return 'not measured';
    return atLeast ? `≥ ${quantity(figure.lower, unit)}` : figureInCell(figure, unit);
  };
  return [cell(operations, 'count'), cell(lostMs, 'ms'), cell(longestMs, 'ms')];
}

function noteOf({ observers }: Recording, left: number, doubt: string | null): string {
  const { intervalMs = null, longestPauseMs = 0 } =
    observers.find(({ name }) => name === LOCK_OBSERVER) ?? {};
  const everyMs = intervalMs === null ? null : Math.max(intervalMs, longestPauseMs);
  return [
    'Operations that waited for a lock with the migration among their blockers, by the statement that ran when they ' +
      'began to; time lost is what they waited in the database, added up. In pool: the most that queued for a connection ' +
      'meanwhile, whose time is not in it.',
    ...(everyMs === null
      ? []
      : [`Waits that began and ended within the ${duration(everyMs)} between two readings may be missing.`]),
    ...(doubt === null ? [] : [`There may have been more: ${doubt}.`]),
    ...(left > 0 ? [`${count(left)} more statements in the recording.`] : []),
  ].join(' ');
}
