/** What to do about a row that the server refused in the middle of a load. */
import { UsageError } from '../../../errors.ts';
import type { TableDescription } from '../../engine.ts';
import type { ServerFacts } from '../connections/client.ts';

interface Refusal extends ServerFacts {
  /** SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly code: string;
  readonly message: string;
}

/** Names the table, the row, the constraint and the setting that solves it. */
export function refusedRow(table: TableDescription, refusal: Refusal, cause: unknown): UsageError {
  const { code, message, where } = refusal;
  const [, row, column = refusal.column] = /, line (\d+)(?:, column (.+?))?(?::|$)/m.exec(where ?? '') ?? [];
  const place = `${row === undefined ? '' : ` at row ${row}`}${column === undefined ? '' : `, column "${column}"`}`;
  return new UsageError(
    `table "${table.name}" cannot be filled${place}: ${message} (${code}). ${advice(table, refusal, column)}`,
    { cause },
  );
}

const CHECK_VIOLATION = '23514';

function advice(
  table: TableDescription,
  { code, constraint, where }: Refusal,
  column: string | undefined,
): string {
  const [, called] = /function (\S+\))/.exec(where ?? '') ?? [];
  if (called !== undefined)
    return (
      `The function ${called} of the schema refused it: ${sayWhat(table, column)}, or take what calls the function ` +
      '(a trigger, a rule, a generated column, a check) out of the schema.'
    );
  if (column !== undefined) return `${capital(sayWhat(table, column))}.`;
  const check = table.checks.find(({ name }) => name === constraint);
  if (check !== undefined)
    return `The check constraint "${check.name}" is ${check.expression}: ${sayWhat(table, namedIn(table, check.expression))}.`;
  if (code === CHECK_VIOLATION && constraint === undefined)
    return `No partition takes the row: ${sayWhat(table, namedIn(table, table.partitionKey ?? ''))}, or create a default partition in the schema.`;
  const computed = table.columns.filter(({ generation }) => generation !== undefined);
  if (constraint === undefined && computed.length > 0)
    return (
      `The server computes ${computed.map(({ name, generation }) => `"${name}" as ${generation}`).join(', ')}: ` +
      `${sayWhat(table, namedIn(table, computed.map(({ generation }) => generation).join(' ')))}.`
    );
  return `${capital(sayWhat(table, undefined))}.`;
}

/** The first column that the expression names. */
function namedIn(table: TableDescription, expression: string): string | undefined {
  const words = new Set(expression.match(/[\w$\u0080-\uffff]+/g) ?? []);
  return table.columns.find(({ name }) => words.has(name) || expression.includes(`"${name}"`))?.name;
}

function sayWhat(table: TableDescription, column: string | undefined): string {
  const columns = `data.tables."${table.name}".columns`;
  return column === undefined
    ? `say what its columns hold under ${columns} in the scenario`
    : `say what the column holds in the scenario: ${columns}."${column}".values: { "...": 1 }`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
