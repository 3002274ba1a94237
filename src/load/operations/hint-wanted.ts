/** What to write where nobody can tell where a parameter's values come from. */
import type { ColumnType, ValueKind } from '../../engines/engine.ts';

/** A hint that the parameter's type takes, before those that any takes. */
const FITTING: Readonly<Partial<Record<ValueKind, string>>> = {
  boolean: "'true', 'false'",
  integer: '1..100',
  decimal: '1..100',
  float: "'0.5', '1.5'",
  date: "'2024-05-01', '2024-06-01'",
  timestamp: "'2024-05-01 12:00:00', '2024-06-01 12:00:00'",
  time: "'08:00:00', '17:30:00'",
  interval: "'1 day', '1 week'",
  uuid: "'00000000-0000-4000-8000-000000000000'",
  json: '\'{"key": "value"}\'',
};

export function unknown(reference: string, type: ColumnType): { readonly problem: string } {
  return {
    problem: `cannot tell where ${reference} (${type.declared}) comes from: ${hintFor(reference, type)}`,
  };
}

/** `type` is null where no column holds such values. */
export function hintFor(reference: string, type: ColumnType | null): string {
  const plain = type === null ? undefined : plainFor(type);
  const forms = [...(type === null ? [] : ['TABLE.COLUMN']), plain ?? "'value', 'value'"].map(
    (form) => `"-- ${reference}: ${form}"`,
  );
  if (plain === undefined) forms.push(`"-- ${reference}: 1..100"`);
  return `write a hint above the statement, ${forms.join(' or ')}`;
}

function plainFor({ element, labels: [label], kind }: ColumnType): string | undefined {
  if (element !== null) return "'{1,2}'";
  return label === undefined ? FITTING[kind] : `'${label}'`;
}
