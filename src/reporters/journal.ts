/** The statements of the migration's user as the server told them. Cells are not yet escaped. */
import { type Figure, isMeasured } from '../recording/figure.ts';
import type { JournalStatement, Recording, StatementJournal } from '../recording/recording.ts';
import { count, counted, figureInCell, secondsAlone } from './format.ts';
import type { Table } from './tables.ts';

/** The longest of them, in their order: a migration may send thousands. */
const STATEMENTS_SHOWN = 30;
const REASONS_TOLD = 4;

/** One row for each statement that the server told, whoever sent it; those inside another one are set in beneath it. */
export function journalTable({ journal }: Recording): Table {
  const told = journal === undefined || 'notMeasured' in journal ? null : journal;
  const statements = told?.statements ?? [];
  const shown = longest(statements);
  const transactions = numbersOf(statements);
  const own = statements.filter(({ statementId, within }) => statementId === null && within === null).length;
  const hidden = statements.length - shown.length;
  const fourth = statements.some(({ lockMs }) => lockMs !== undefined && isMeasured(lockMs)) ? LOCKED : LOG;
  return {
    title: 'Statements as the server told them',
    head: ['began (s)', 'took', 'rows', fourth.head, 'tx', 'outcome', 'statement'],
    rows: shown.map((each) => [
      beganInCell(each.startedAtMs),
      figureInCell(each.durationMs, 'ms'),
      figureInCell(each.rows, 'count'),
      fourth.cell(each),
      each.transaction === null ? '–' : String(transactions.get(each.transaction) ?? '–'),
      outcomeOf(each),
      `${each.within === null ? '  ' : '    '}${textOf(each)}`,
    ]),
    numeric: [0, 1, 2, 3, 4],
    note: told === null ? null : noteOf(told, { own, hidden }),
  };
}

/** A server that times its statements' row-lock waits does not count the log of each, and the other way round. */
interface Column {
  readonly head: string;
  readonly cell: (statement: JournalStatement) => string;
}

const LOG: Column = { head: 'log', cell: ({ logBytes }) => figureInCell(logBytes, 'bytes') };
const LOCKED: Column = {
  head: 'row locks',
  cell: ({ lockMs }) => (lockMs === undefined ? '–' : figureInCell(lockMs, 'ms')),
};

/** Middle of the interval on the recorder's clock. */
function beganInCell(figure: Figure): string {
  return isMeasured(figure) ? secondsAlone((figure.lower + figure.upper) / 2) : '–';
}

function longest(statements: readonly JournalStatement[]): readonly JournalStatement[] {
  if (statements.length <= STATEMENTS_SHOWN) return statements;
  const ranked = statements.toSorted((one, other) => lengthOf(other) - lengthOf(one));
  const kept = new Set(ranked.slice(0, STATEMENTS_SHOWN));
  return statements.filter((each) => kept.has(each));
}

/** What failed, and what has no length, is not to be missed. */
function lengthOf({ durationMs, outcome }: JournalStatement): number {
  if (outcome === 'failed') return Number.POSITIVE_INFINITY;
  return isMeasured(durationMs) ? durationMs.upper : 0;
}

/** Transactions counted in the order of their first statement: the server's own numbers tell a reader nothing. */
function numbersOf(statements: readonly JournalStatement[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const { transaction } of statements)
    if (transaction !== null && !numbers.has(transaction)) numbers.set(transaction, numbers.size + 1);
  return numbers;
}

function outcomeOf({ outcome, error, warnings = 0 }: JournalStatement): string {
  const word = outcome === 'unknown' ? 'not told' : outcome;
  const told = [word, ...(error?.code == null ? [] : [error.code])].join(' ');
  return warnings > 0 && error === null ? `${told}, ${counted(warnings, 'warning')}` : told;
}

/** What the server could not read has no text. */
function textOf({ text, runs, textCut }: JournalStatement): string {
  const often = runs === undefined || !isMeasured(runs) || runs.upper === 1;
  return `${often ? '' : `${figureInCell(runs, 'count')} times: `}${text === '' ? 'a text that the server could not read' : text}${textCut === true ? '… (the server keeps no more of it)' : ''}`;
}

function noteOf(
  { source, statements }: StatementJournal,
  { own, hidden }: { readonly own: number; readonly hidden: number },
): string {
  const tools =
    own === 0 ? '' : ` ${counted(own, 'statement')} of them in no file of a migration: the tool’s own.`;
  const more = hidden === 0 ? '' : ` The longest are shown, ${count(hidden)} more are in the recording.`;
  const reasons = reasonsOf(statements);
  return `Of the migration’s user, from the ${source}; began is counted from the start of the rehearsal, tx counts their transactions.${tools}${more}${reasons === '' ? '' : ` –: ${reasons}.`}`;
}

/** Why figures are missing, the most frequent reasons first. */
function reasonsOf(statements: readonly JournalStatement[]): string {
  const counts = new Map<string, number>();
  const add = (what: string, figure: Figure): void => {
    if (isMeasured(figure)) return;
    const reason = `${what} not measured (${figure.notMeasured})`;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  };
  for (const { durationMs, rows, logBytes, lockMs } of statements) {
    add('took', durationMs);
    add('rows', rows);
    add('log', logBytes);
    if (lockMs !== undefined) add('row locks', lockMs);
  }
  const ranked = [...counts].toSorted(([, one], [, other]) => other - one).map(([reason]) => reason);
  const untold = ranked.length - REASONS_TOLD;
  return [
    ...ranked.slice(0, REASONS_TOLD),
    ...(untold > 0 ? [`and ${counted(untold, 'other reason')}`] : []),
  ].join('; ');
}
