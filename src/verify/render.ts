/** The figures of a verification as a table of 80 columns. Pure. */
import { count, counted, meanBytes, percent } from '../reporters/format.ts';
import { tableLines, wrapped } from '../reporters/layout.ts';
import type { Comparison, Measure } from './figure.ts';

export interface VerificationText {
  /** Figures that are within tolerance too. */
  readonly verbose: boolean;
  readonly width: number;
  readonly dim: (text: string) => string;
}

export function renderVerification(
  comparisons: readonly Comparison[],
  { verbose, width, dim }: VerificationText,
): string {
  const shown = verbose ? comparisons : comparisons.filter(({ verdict }) => verdict === 'outside');
  const lines: string[] = [];
  if (shown.length > 0) {
    const tables = [...new Set(shown.map(({ table }) => table))];
    const rows = tables.flatMap((name) => [
      [name, '', '', '', ''],
      ...shown.filter(({ table }) => table === name).map(rowOf),
    ]);
    const table = { title: '', head: HEAD, rows, numeric: [2, 3], note: null };
    lines.push(...tableLines(table, width, dim));
    const notes = shown.filter(({ note, verdict }) => note !== null && verdict !== 'not measured');
    if (notes.length > 0) lines.push('');
    for (const each of notes)
      lines.push(...wrapped(`${placeOf(each)}, ${each.measure}: ${each.note}`, width));
    lines.push('');
  }
  return [...lines, ...wrapped(summaryOf(comparisons), width), ''].join('\n');
}

const HEAD = ['table', 'figure', 'wanted', 'got', ''];

function rowOf({ of, measure, wanted, got, verdict }: Comparison): readonly string[] {
  return [`  ${of ?? ''}`, measure, figureOf(measure, wanted), figureOf(measure, got), verdict];
}

function placeOf({ table, of }: Comparison): string {
  return of === null ? table : `${table}: ${of}`;
}

function figureOf(measure: Measure, value: number | null): string {
  if (value === null) return 'not measured';
  switch (measure) {
    case 'rows':
    case 'distinct':
    case 'parents referred':
      return count(value);
    case 'bytes per row':
    case 'toast per row':
    case 'index bytes per row':
      return meanBytes(value);
    case 'nulls':
    case 'frequencies':
    case 'children of a parent':
    case 'share of the rows':
      return percent(value);
    case 'correlation':
      return value.toFixed(2);
  }
}

function summaryOf(comparisons: readonly Comparison[]): string {
  const of = (verdict: Comparison['verdict']) =>
    comparisons.filter((comparison) => comparison.verdict === verdict).length;
  const tables = new Set(comparisons.map(({ table }) => table)).size;
  return (
    `${counted(tables, 'table')}: of ${counted(comparisons.length, 'figure')}, ${count(of('within'))} within tolerance, ` +
    `${count(of('outside'))} outside, ${count(of('not measured'))} not measured`
  );
}
