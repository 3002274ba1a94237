/** Holds the `columns:` settings of a table against its columns, before a value is made. */
import type { ColumnDescription, TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { ColumnDataPlan } from '../scenario/plan.ts';
import type { TableSpec } from './generator.ts';
import { unfit } from './types/fits.ts';

/** Throws UsageError for a column that is not there, and for a setting that its type cannot take. */
export function refuseWrongSettings({ description: table, overrides }: TableSpec): void {
  for (const [name, given] of Object.entries(overrides)) {
    const column = table.columns.find((each) => each.name === name);
    const setting = `data.tables."${table.name}".columns."${name}"`;
    if (column === undefined)
      throw new UsageError(
        `${setting}: the table has no such column. It has: ${table.columns.map((each) => each.name).join(', ')}.`,
      );
    const problem = problemOf(table, column, given);
    if (problem !== null) throw new UsageError(`${setting}${problem}`);
  }
}

function problemOf(table: TableDescription, column: ColumnDescription, given: ColumnDataPlan): string | null {
  const { type, generated } = column;
  const { values, range, faker, width, fanout } = given;
  if (generated === 'stored' || generated === 'virtual')
    return ': the server itself computes this column. Leave it out.';
  if (fanout !== null && !table.foreignKeys.some((key) => key.columns.includes(column.name)))
    return `.fanout: "${fanout}", but the column has no foreign key. Leave it out.`;
  if (width !== null && type.kind !== 'text' && type.kind !== 'bytes')
    return `.width: ${width}, but a column of type ${type.declared} has no width. Leave it out.`;
  if (width !== null && type.maxLength !== null && width > type.maxLength)
    return `.width: ${width}, but a column of type ${type.declared} holds at most ${type.maxLength}.`;
  const sources = Object.entries({ values, range, faker, width }).flatMap(([name, each]) =>
    each === null ? [] : [name],
  );
  if (sources.length > 1)
    return `: ${sources.join(' and ')} each say what the column holds. Give one of them.`;
  return values === null ? null : problemOfValues(column, values);
}

function problemOfValues(
  column: ColumnDescription,
  values: NonNullable<ColumnDataPlan['values']>,
): string | null {
  for (const { value } of values) {
    const problem = unfit(value, column.type);
    if (problem !== null) return `.values: "${value}" ${problem}.`;
  }
  return null;
}
