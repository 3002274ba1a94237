/** Values of rows in the server's text input form. */
import type { CellValue } from '../engine.ts';

/** Text as it is; bytes in the hex form of bytea. */
export function cellText(value: CellValue): string | null {
  return value === null || typeof value === 'string' ? value : `\\x${Buffer.from(value).toString('hex')}`;
}
