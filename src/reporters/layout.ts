/** Lines and tables of plain text that fit a width. Pure. */
import Table from 'cli-table3';
import type { Table as TableCells } from './tables.ts';

/** Narrower than this no table can be read. */
const MIN_COLUMN = 6;
/** SQL of a cell is cut so that it fills at most this many lines. */
const MAX_CELL_LINES = 3;
/** A word that takes more of the width than this may be broken before the other columns give way. */
const LONGEST_WORD_SHARE = 0.4;
/** Two blanks between columns, and one where there are more of them than this. */
const MANY_COLUMNS = 7;

// A blank, but not the one between a number and its unit.
const BREAKS = / (?!(?:ms|s|min|h|d|B|[kMGTP]B|%)(?![\p{L}\p{N}]))/u;

/** Words onto lines of at most `width` columns; a longer word is broken. */
export function wrapped(text: string, width: number): readonly string[] {
  const limit = Math.max(1, width);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(BREAKS)) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (columnsOf(joined) <= limit) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = broken(word, limit);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? '';
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

function broken(word: string, limit: number): readonly string[] {
  const pieces: string[] = [''];
  for (const character of word) {
    const last = pieces.at(-1) ?? '';
    if (columnsOf(last + character) <= limit || last === '') {
      pieces[pieces.length - 1] = last + character;
      continue;
    }
    const [, head = last, tail = ''] = SEAM.exec(last) ?? [];
    const atSeam = columnsOf(head) * 2 >= limit && columnsOf(tail + character) <= limit;
    pieces[pieces.length - 1] = atSeam ? head : last;
    pieces.push(atSeam ? tail + character : character);
  }
  return pieces;
}

// The last place at which a file name or a path can be parted.
const SEAM = /^(.*[_./-])([^_./-]+)$/u;

/** `first` before the first line, as many blanks before the others. */
export function hanging(first: string, text: string, width: number): readonly string[] {
  const indent = columnsOf(first);
  const lines = wrapped(text, width - indent);
  return lines.map((line, index) => (index === 0 ? first : ' '.repeat(indent)) + line);
}

// East Asian wide and full-width forms and emoji take two columns, combining marks none (Unicode TR 11).
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\p{Emoji_Presentation}]/u;
const NARROWEST = /\p{M}/u;

/** Columns that text takes on a terminal. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += NARROWEST.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}

/** A table without borders; `dim` colours its head. Cells must be escaped already. */
export function tableLines(
  cells: TableCells,
  width: number,
  dim: (text: string) => string,
): readonly string[] {
  const { widths, gap } = widthsOf(cells, width);
  const fitted = cells.rows.map((row) => row.map((cell, column) => cellLines(cell, widths[column] ?? 0)));
  const heads = cells.head.map((cell, column) => wrapped(cell, widths[column] ?? 0).join('\n'));
  const table = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap, compact: true },
    colWidths: widths.map((each) => each + gap),
    colAligns: cells.head.map((_, column) => (cells.numeric.includes(column) ? 'right' : 'left')),
  });
  table.push(
    heads.map((head) => ({ content: head, vAlign: 'bottom' as const })),
    ...fitted,
  );
  const headLines = Math.max(...heads.map((head) => head.split('\n').length));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .map((line, index) => (index < headLines ? dim(line) : line));
}

const NO_BORDERS = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

/** Continuation lines of a cell keep the indent of its first line. */
function cellLines(cell: string, width: number): string {
  const indent = ' '.repeat(cell.length - cell.trimStart().length);
  const lines = wrapped(cell.trimStart(), width - indent.length);
  const shown = lines.slice(0, MAX_CELL_LINES);
  if (lines.length > shown.length) {
    const last = shown.at(-1) ?? '';
    shown[shown.length - 1] = `${[...last].slice(0, Math.max(0, width - indent.length - 1)).join('')}…`;
  }
  return shown.map((line) => indent + line).join('\n');
}

interface Widths {
  readonly widths: readonly number[];
  readonly gap: number;
}

/** Natural widths, and as long as they are too wide together, the widest column gives way that can without breaking a word. */
function widthsOf({ head, rows, numeric }: TableCells, width: number): Widths {
  const widths = head.map((title, column) => {
    const cells = rows.map((row) => columnsOf(row[column] ?? ''));
    const heading = numeric.includes(column) ? longestWord(title) : columnsOf(title);
    return Math.max(heading, ...cells);
  });
  const floors = head.map((title, column) => {
    if (numeric.includes(column)) return widths[column] ?? 0;
    const words = [title, ...rows.map((row) => row[column] ?? '')].map(longestWord);
    return Math.min(width * LONGEST_WORD_SHARE, Math.max(MIN_COLUMN, ...words));
  });
  const sum = (gap: number): number => widths.reduce((total, each) => total + each + gap, -gap);
  const gap = head.length > MANY_COLUMNS ? 1 : 2;
  while (sum(gap) > width) {
    const spare = widths.map((each, column) => (each > (floors[column] ?? 0) ? each : 0));
    const able = spare.some((each) => each > 0) ? spare : widths;
    const widest = Math.max(...able);
    if (widest <= MIN_COLUMN) break;
    widths[able.indexOf(widest)] = widest - 1;
  }
  return { widths, gap };
}

function longestWord(title: string): number {
  return Math.max(...title.split(BREAKS).map(columnsOf));
}
