/** Holds values that something else has decided against the rules of their column. */
import type { CellValue, ColumnDescription } from '../../engines/engine.ts';
import { intervalsOf } from '../types/scalar-domain.ts';
import { scalarType } from '../types/scalar-types.ts';
import type { ColumnRules } from './rules.ts';

/** Rows that are looked at. */
const SAMPLED = 256;

/** The first of some sampled values that breaks a rule; null when none does. */
export function checkAgainst(
  column: ColumnDescription,
  rules: ColumnRules,
  { cell, rows }: { readonly cell: (row: number) => CellValue; readonly rows: number },
): string | null {
  const obeys = obeyer(column, rules);
  const step = Math.max(1, Math.floor(rows / SAMPLED));
  for (let row = 0; row < rows; row += step) {
    const value = cell(row);
    if (typeof value === 'string' && !obeys(value)) return value;
  }
  return null;
}

function obeyer(column: ColumnDescription, rules: ColumnRules): (value: string) => boolean {
  const type = scalarType(column.type);
  const intervals = type === null ? null : intervalsOf(type, rules, []);
  const patterns = rules.patterns.map(({ source, ignoreCase }) => new RegExp(source, ignoreCase ? 'i' : ''));
  return (value) => {
    if (rules.allowed !== null && !rules.allowed.includes(value)) return false;
    if (rules.excluded.includes(value)) return false;
    if (type !== null && intervals !== null) {
      const ticks = type.parse(value, 'upper');
      return ticks !== null && intervals.some(({ min, max }) => ticks >= min && ticks <= max);
    }
    if (rules.letterCase === 'lower' && value !== value.toLowerCase()) return false;
    if (rules.letterCase === 'upper' && value !== value.toUpperCase()) return false;
    const { length } = value;
    return (
      length >= rules.minLength &&
      length <= (rules.maxLength ?? length) &&
      patterns.every((pattern) => pattern.test(value))
    );
  };
}
