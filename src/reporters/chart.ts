/**
 * The timeline in text: the worst response time per column on a logarithmic scale, and beneath it, column for column,
 * the windows, what the migration did, whether operations waited for locks, and whether any failed. Pure.
 */
import { statementsOf } from '../checks/span.ts';
import { endOf } from '../checks/waits.ts';
import type { LoadRecord, LoadSlot, LockWait, Recording, Window } from '../recording/recording.ts';
import { shortened } from './escape.ts';
import { duration } from './format.ts';

export interface ChartLine {
  readonly kind: 'response' | 'windows' | 'migration' | 'load' | 'replica' | 'failed' | 'legend';
  /** To the left of the chart; as wide as {@link LABEL_WIDTH}. */
  readonly label: string;
  readonly text: string;
}

const LABEL_WIDTH = 10;
const ROWS = 4;
const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** A calm timeline is not blown up to look like a storm: the scale spans at least this factor. */
const MIN_SPAN_FACTOR = 10;

/** Shorter lags come and go between two readings. */
const BEHIND_MS = 200;

interface Column {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Empty when no load ran or no time passed. */
export function timeline(recording: Recording, width: number): readonly ChartLine[] {
  if ('notMeasured' in recording.load) return [];
  const { load } = recording;
  const columns = columnsOf(load, width - LABEL_WIDTH);
  if (columns.length === 0) return [];
  const marks = [
    migrationRow(recording, columns),
    loadRow(recording, columns),
    replicaRow(recording, columns),
    failedRow(load, columns),
  ];
  return [
    ...responseRows(load, columns),
    { kind: 'windows', label: label(''), text: windowsRow(recording.windows, columns) },
    ...marks.filter(({ text }) => text.trim() !== ''),
    { kind: 'legend', label: label(''), text: legend(columns, marks.map(({ text }) => text).join('')) },
  ];
}

function columnsOf({ slots, slotMs }: LoadRecord, width: number): readonly Column[] {
  const first = slots[0];
  const last = slots.at(-1);
  if (first === undefined || last === undefined || width < 1) return [];
  const step = (last.atMs + slotMs - first.atMs) / width;
  return Array.from({ length: width }, (_, index) => ({
    fromMs: first.atMs + index * step,
    toMs: first.atMs + (index + 1) * step,
  }));
}

function responseRows(load: LoadRecord, columns: readonly Column[]): readonly ChartLine[] {
  const worst = columns.map((column) => {
    const due = slotsIn(load, column).filter((slot) => slot.due > 0);
    return due.length === 0 ? null : Math.max(...due.map(({ maxResponseMs }) => maxResponseMs));
  });
  const values = worst.flatMap((value) => (value === null || value <= 0 ? [] : [value]));
  if (values.length === 0) return [];
  const highest = Math.max(...values);
  const least = Math.min(...values);
  const lowest = Math.min(least / 2, highest / MIN_SPAN_FACTOR);
  const level = (value: number): number =>
    Math.max(1, Math.round((Math.log(value / lowest) / Math.log(highest / lowest)) * ROWS * 8));
  const levels = worst.map((value) => (value === null || value <= 0 ? 0 : level(value)));
  return Array.from({ length: ROWS }, (_, index) => {
    const floor = (ROWS - 1 - index) * 8;
    const text = levels.map((each) => BLOCKS[Math.min(8, Math.max(0, each - floor))]).join('');
    const scale = lowest * (highest / lowest) ** ((ROWS - index) / ROWS);
    return { kind: 'response' as const, label: label(duration(scale, 2)), text };
  });
}

function slotsIn({ slots, slotMs }: LoadRecord, { fromMs, toMs }: Column): readonly LoadSlot[] {
  return slots.filter(({ atMs }) => atMs < toMs && atMs + slotMs > fromMs);
}

/** "|baseline   |migration      |recov…": a name that has no room is cut, and says so. */
function windowsRow(windows: readonly Window[], columns: readonly Column[]): string {
  const starts = windows.map(({ startedAtMs }) =>
    Math.max(
      0,
      columns.findIndex(({ toMs }) => toMs > startedAtMs),
    ),
  );
  const cells = windows.map(({ name }, index) => {
    const width = Math.max(0, (starts[index + 1] ?? columns.length) - (starts[index] ?? 0));
    return width < 2 ? '|'.slice(0, width) : shortened(`|${name}`, width).padEnd(width);
  });
  return ' '.repeat(starts[0] ?? 0) + cells.join('');
}

function migrationRow(recording: Recording, columns: readonly Column[]): ChartLine {
  const waits = recording.lockWaits.filter(({ waiter }) => waiter.owner === 'migration');
  const runs = statementsOf(recording)
    .filter(({ statement }) => statement.outcome !== 'not run')
    .map(({ statement }) => ({
      fromMs: statement.startedAtMs,
      toMs: statement.startedAtMs + ('upper' in statement.durationMs ? statement.durationMs.upper : 0),
    }));
  const text = columns.map((column) => {
    if (waits.some((wait) => overlaps(spanOf(wait), column))) return 'W';
    return runs.some((run) => overlaps(run, column)) ? '=' : ' ';
  });
  return { kind: 'migration', label: label('migration'), text: text.join('') };
}

function loadRow(recording: Recording, columns: readonly Column[]): ChartLine {
  const waits = recording.lockWaits.filter(({ waiter }) => waiter.owner === 'load');
  const text = columns.map((column) => (waits.some((wait) => overlaps(spanOf(wait), column)) ? 'W' : ' '));
  return { kind: 'load', label: label('load'), text: text.join('') };
}

/** Where the replica was behind for longer than it takes to notice. */
function replicaRow({ replica }: Recording, columns: readonly Column[]): ChartLine {
  const samples = replica === undefined || 'notMeasured' in replica ? [] : replica.samples;
  const behind = samples.filter(({ lagMs: [least] }) => least >= BEHIND_MS);
  const text = columns.map(({ fromMs, toMs }) =>
    behind.some(({ atMs, lagMs: [least] }) => atMs - least < toMs && atMs >= fromMs) ? 'L' : ' ',
  );
  return { kind: 'replica', label: label('replica'), text: text.join('') };
}

function failedRow(load: LoadRecord, columns: readonly Column[]): ChartLine {
  const text = columns.map((column) =>
    slotsIn(load, column).some(({ failed, dropped }) => failed + dropped > 0) ? 'x' : ' ',
  );
  return { kind: 'failed', label: label('errors'), text: text.join('') };
}

function spanOf(wait: LockWait): Column {
  return { fromMs: wait.startedAtMs, toMs: endOf(wait) };
}

function overlaps(one: Column, other: Column): boolean {
  return one.fromMs < other.toMs && one.toMs >= other.fromMs;
}

function legend(columns: readonly Column[], shown: string): string {
  const first = columns[0];
  const width = first === undefined ? 0 : first.toMs - first.fromMs;
  const meanings: readonly (readonly [string, string])[] = [
    ['=', 'runs'],
    ['W', 'waits for a lock'],
    ['L', 'the replica is behind'],
    ['x', 'operations fail'],
  ];
  const used = meanings
    .filter(([mark]) => shown.includes(mark))
    .map(([mark, meaning]) => `${mark} ${meaning}`);
  return [`1 column = ${duration(width, 2)}`, ...used].join('  ');
}

function label(text: string): string {
  return `${text.padStart(LABEL_WIDTH - 1)} `;
}
