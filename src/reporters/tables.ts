/** The tables of a report as plain cells, for every format that shows them. Cells are not yet escaped. */
import { AREA_IN_WORDS, sumOf } from '../checks/disk-growth-peak.ts';
import { grouped } from '../checks/finding.ts';
import { percentileOf } from '../checks/load-quality.ts';
import { statementById } from '../checks/span.ts';
import { between, type Figure, isMeasured } from '../recording/figure.ts';
import type {
  DiskArea,
  DiskRecord,
  LoadRecord,
  LoadWindow,
  OutcomeRecord,
  Recording,
  SqlFailure,
  Step,
} from '../recording/recording.ts';
import { blockedTable } from './blocked.ts';
import { canariesTable } from './canaries.ts';
import { changeInWords } from './changes.ts';
import { codeTable } from './code.ts';
import { deadlocksTable } from './deadlocks.ts';
import { diskStatementsTable, freeInWords } from './disk-statements.ts';
import { effectsTable } from './effects.ts';
import { bytes, count, duration, figureInCell, perSecondAlone } from './format.ts';
import { growthTable } from './growth.ts';
import { journalTable } from './journal.ts';
import { mixTables } from './mix.ts';
import { phasesTable } from './phases.ts';
import { replayTable, replicaTable } from './replica.ts';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns whose cells are numbers, to be set flush right. */
  readonly numeric: readonly number[];
  /** A line beneath it. */
  readonly note: string | null;
}

const LOCKS_SHOWN = 8;
const RELATIONS_SHOWN = 6;
const FAILURES_SHOWN = 12;
/** Histograms are exact to 0.8 %, and ten columns have to fit 80. */
const LATENCY_DIGITS = 2;

/** Every table that has something to show, in the order of a report. */
export function tablesOf(recording: Recording): readonly Table[] {
  const { load, disk, code, mix, replica, probe } = recording;
  const tables = [
    stepsTable(recording),
    ...(probe === undefined || 'notMeasured' in probe ? [] : [effectsTable(probe)]),
    journalTable(recording),
    phasesTable(recording),
    ...(code === undefined || 'notMeasured' in code ? [] : [codeTable(recording, code)]),
    locksTable(recording),
    blockedTable(recording),
    deadlocksTable(recording),
    canariesTable(recording),
    ...('notMeasured' in load ? [] : [loadTable(recording, load), failuresTable(load)]),
    ...(mix === undefined ? [] : mixTables(mix)),
    ...('notMeasured' in disk
      ? []
      : [
          diskTable(disk),
          diskStatementsTable(recording, disk),
          growthTable(recording, disk.growth ?? []),
          relationsTable(disk),
        ]),
    ...(replica === undefined || 'notMeasured' in replica
      ? []
      : [replicaTable(recording, replica), replayTable(recording, replica)]),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

function stepsTable(recording: Recording): Table {
  const rows = recording.steps.flatMap((step) => [
    [
      step.file,
      duration(step.endedAtMs - step.startedAtMs),
      '',
      [outcomeOf(step), ...changesOfStep(recording, step)].join('; '),
    ],
    ...statementRows(recording, step),
  ]);
  return {
    title: 'Migrations',
    head: ['migration', 'took', 'waited', 'outcome'],
    rows,
    numeric: [1, 2],
    note: null,
  };
}

/** One row for each statement, its attempts folded into it. */
function statementRows(recording: Recording, step: Step): readonly (readonly string[])[] {
  return grouped(step.statements, ({ index }) => String(index)).flatMap((attempts) => {
    const last = attempts.at(-1);
    if (last === undefined) return [];
    const took = totalOf(attempts.map(({ durationMs }) => durationMs));
    const waits = recording.lockWaits.filter(({ statementId }) =>
      attempts.some(({ id }) => id === statementId),
    );
    const waited =
      waits.length === 0 ? '' : figureInCell(totalOf(waits.map(({ waitedMs }) => waitedMs)), 'ms');
    const changes = recording.changes.filter(({ statementId }) => statementId === last.id);
    const did = changes.flatMap(changeInWords);
    const tries = attempts.length > 1 ? [`${attempts.length} attempts`] : [];
    const failed = last.outcome === 'failed' ? ['failed', ...codeOf(last.error)] : [];
    const plain = last.effect === 'none' || (last.effect === 'took effect' && step.outcome === 'applied');
    const effect = plain ? [] : [last.effect];
    const notRun = last.outcome === 'not run' ? ['not run'] : [];
    const outcome = [...notRun, ...failed, ...effect, ...tries, ...new Set(did)].join(', ');
    return [[`  ${last.line}: ${last.text}`, figureInCell(took, 'ms'), waited, outcome]];
  });
}

/** What several statements of the step may have done: "orders: instant, row versions 0 to 2 of 255". */
function changesOfStep({ changes }: Recording, { version }: Step): readonly string[] {
  const own = changes.filter((change) => change.statementId === null && change.version === version);
  return grouped(own, ({ relation }) => relation).flatMap((group) => {
    const did = [...new Set(group.flatMap(changeInWords))];
    return did.length === 0 ? [] : [`${group[0]?.relation}: ${did.join(', ')}`];
  });
}

function outcomeOf({ outcome, attempts, error }: Step): string {
  return [outcome, ...codeOf(error), ...(attempts > 1 ? [`attempt ${attempts}`] : [])].join(', ');
}

function codeOf(error: SqlFailure | null): readonly string[] {
  return error === null || error.code === null ? [] : [error.code];
}

function totalOf(figures: readonly Figure[]): Figure {
  const measured = figures.filter(isMeasured);
  const missing = figures.find((figure) => !isMeasured(figure));
  if (missing !== undefined || measured.length === 0) return missing ?? { notMeasured: 'nothing to add up' };
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return between(sum(measured.map(({ lower }) => lower)), sum(measured.map(({ upper }) => upper)), 'sum');
}

function locksTable(recording: Recording): Table {
  const held = recording.heldLocks
    .filter(({ server }) => server === 'rehearsal')
    .toSorted((one, other) => upperOf(other.heldMs) - upperOf(one.heldMs));
  return {
    title: 'Locks that the migration held',
    head: ['relation', 'mode', 'held', 'by'],
    rows: held.slice(0, LOCKS_SHOWN).map(({ relation, mode, heldMs, statementId }) => {
      const placed = statementById(recording, statementId);
      const by = placed === null ? '–' : `${placed.step.file}:${placed.statement.line}`;
      return [relation, mode, figureInCell(heldMs, 'ms'), by];
    }),
    numeric: [2],
    note: held.length > LOCKS_SHOWN ? `${count(held.length - LOCKS_SHOWN)} more in the recording.` : null,
  };
}

function upperOf(figure: Figure): number {
  return isMeasured(figure) ? figure.upper : 0;
}

function loadTable(recording: Recording, load: LoadRecord): Table {
  const rows = load.windows.map((window) => {
    const seconds = secondsOf(recording, window);
    const perSecond = (operations: number): string =>
      seconds > 0 ? perSecondAlone(operations / seconds) : '–';
    return [
      window.window,
      perSecond(window.due),
      perSecond(window.completed),
      percentile(load, window, 0.5),
      percentile(load, window, 0.95),
      percentile(load, window, 0.99),
      percentile(load, window, 1),
      percentile(load, window, 0.99, 'service'),
      count(window.waitedInPool),
      count(window.failed + window.dropped),
    ];
  });
  return {
    title: 'Load',
    head: ['window', 'due/s', 'done/s', 'p50', 'p95', 'p99', 'max', 'service p99', 'in pool', 'failed'],
    rows,
    numeric: [1, 2, 3, 4, 5, 6, 7, 8, 9],
    note:
      'Response times count from the instant at which an operation was due; service p99 is what the database took ' +
      'alone. In pool: operations that had to wait for a connection.',
  };
}

/** An operation belongs to the window that was open when it was due, so a window reaches to the start of the next. */
function secondsOf({ windows }: Recording, { window }: LoadWindow): number {
  const own = windows.find(({ name }) => name === window);
  if (own === undefined) return 0;
  const next = windows.find(({ startedAtMs }) => startedAtMs > own.startedAtMs);
  return ((next?.startedAtMs ?? own.endedAtMs) - own.startedAtMs) / 1000;
}

function percentile(
  load: LoadRecord,
  { window }: LoadWindow,
  fraction: number,
  kind: 'response' | 'service' = 'response',
): string {
  const value = percentileOf(load, kind, [window], fraction);
  return value === null ? '–' : duration(value, LATENCY_DIGITS);
}

function failuresTable(load: LoadRecord): Table {
  const sorted = load.outcomes.toSorted((one, other) => other.count - one.count);
  const hidden = sorted.length - FAILURES_SHOWN;
  return {
    title: 'Failed operations',
    head: ['operation', 'window', 'cause', 'code', 'count', 'first message'],
    rows: sorted
      .slice(0, FAILURES_SHOWN)
      .map((record) => [
        whatFailed(load, record),
        record.window,
        record.outcome,
        record.code ?? '–',
        count(record.count),
        record.message,
      ]),
    numeric: [4],
    note: hidden > 0 ? `${count(hidden)} more in the recording.` : null,
  };
}

/** The operation, with the statement of it where there are several. */
function whatFailed({ operations }: LoadRecord, { operation, statement }: OutcomeRecord): string {
  if (statement === 'begin' || statement === 'commit') return `${operation}, ${statement}`;
  const statements = operations.find(({ name }) => name === operation)?.statements ?? [];
  const index = statement === null ? -1 : statements.indexOf(statement);
  return index < 0 || statements.length < 2 ? operation : `${operation}, statement ${index + 1}`;
}

function diskTable(disk: DiskRecord): Table {
  const seen = { ...disk.before.areas, ...disk.peak.areas, ...disk.after.areas };
  const areas = (Object.keys(AREA_IN_WORDS) as DiskArea[]).filter((area) => area in seen);
  const row = (name: string, values: readonly [number, number, number]): readonly string[] => [
    name,
    ...values.map((value) => bytes(value)),
    signed(values[1] - values[0]),
    signed(values[2] - values[0]),
  ];
  const { before, peak, after } = disk;
  return {
    title: 'Disk',
    head: ['area', 'before', 'at the peak', 'after', 'growth at the peak', 'left'],
    rows: [
      ...areas.map((area) =>
        row(AREA_IN_WORDS[area], [before.areas[area] ?? 0, peak.areas[area] ?? 0, after.areas[area] ?? 0]),
      ),
      row('together', [sumOf(before), sumOf(peak), sumOf(after)]),
    ],
    numeric: [1, 2, 3, 4, 5],
    note: `Log written meanwhile, the load's included: ${figureInCell(disk.logWrittenBytes, 'bytes')}.${freeInWords(disk)} Source: ${disk.source}.`,
  };
}

function relationsTable(disk: DiskRecord): Table {
  const changed = disk.relations
    .filter(({ beforeBytes, afterBytes }) => beforeBytes !== afterBytes)
    .toSorted(
      (one, other) =>
        Math.abs(other.afterBytes - other.beforeBytes) - Math.abs(one.afterBytes - one.beforeBytes),
    );
  return {
    title: 'Tables and indexes that changed size',
    head: ['relation', 'kind', 'before', 'after', 'growth'],
    rows: changed
      .slice(0, RELATIONS_SHOWN)
      .map(({ relation, kind, beforeBytes, afterBytes }) => [
        relation,
        kind,
        bytes(beforeBytes),
        bytes(afterBytes),
        signed(afterBytes - beforeBytes),
      ]),
    numeric: [2, 3, 4],
    note:
      changed.length > RELATIONS_SHOWN
        ? `${count(changed.length - RELATIONS_SHOWN)} more in the recording.`
        : null,
  };
}

function signed(value: number): string {
  return value > 0 ? `+${bytes(value)}` : value === 0 ? '–' : bytes(value);
}
