/** Values of rows in the server's text input form. */
import type { CellValue } from '../../engine.ts';

/** Text as it is; bytes in the hex form of bytea. */
export function cellText(value: CellValue): string | null {
  return value === null || typeof value === 'string' ? value : `\\x${Buffer.from(value).toString('hex')}`;
}

/** A row as a line of COPY's text format: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
export function copyLine(row: readonly CellValue[]): string {
  let line = '';
  for (const [index, value] of row.entries()) {
    if (index > 0) line += '\t';
    line += copyField(cellText(value));
  }
  return `${line}\n`;
}

const SPECIAL = /[\\\n\r\t]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function copyField(text: string | null): string {
  if (text === null) return '\\N';
  return SPECIAL.test(text) ? text.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character] ?? '') : text;
}
