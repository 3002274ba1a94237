/** Columns: https://dev.mysql.com/doc/refman/en/information-schema-columns-table.html */
import type { ColumnDescription, Session } from '../../engine.ts';
import type { Flavor } from '../connections/client.ts';
import { groupBy } from '../groups.ts';
import { dialect } from '../text/dialect.ts';
import type { TableCheck } from './checks.ts';
import { type TypeFacts, typeOf } from './types.ts';

/** A column as the server prints it. */
export interface ColumnRow extends TypeFacts {
  readonly table: string;
  readonly name: string;
  readonly nullable: 'YES' | 'NO';
  readonly defaultValue: string | null;
  /** "auto_increment", "VIRTUAL GENERATED", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP". */
  readonly extra: string;
  /** Of a generated column; empty or null for the others. */
  readonly expression: string | null;
}

/** https://dev.mysql.com/doc/refman/en/information-schema-columns-table.html */
const columnFields = (flavor: Flavor) => `
  table_name as \`table\`,
  column_name as name,
  column_type as declared,
  data_type as base,
  character_maximum_length as maxLength,
  numeric_precision as \`precision\`,
  numeric_scale as scale,
  datetime_precision as fraction,
  character_octet_length as octets,
  character_set_name as charset,
  is_nullable as nullable,
  column_default as defaultValue,
  extra as extra,
  generation_expression as expression,
  ${flavor === 'mysql' ? 'srs_id' : 'null'} as referenceSystem`;

const columnsOfAll = (flavor: Flavor) => `
  select ${columnFields(flavor)}
  from information_schema.columns
  where table_schema = database()
  order by table_name, ordinal_position`;

/** Those of the current database by table. */
export async function readColumns(
  session: Session,
  flavor: Flavor,
): Promise<ReadonlyMap<string, readonly ColumnRow[]>> {
  return groupBy(await session.query<ColumnRow>(columnsOfAll(flavor)), (row) => row.table);
}

const columnsOfTable = (flavor: Flavor) => `
  select ${columnFields(flavor)}
  from information_schema.columns
  where table_schema = ? and table_name = ?
  order by ordinal_position`;

/** Those of one table, given as database and name. */
export function readColumnsOf(
  session: Session,
  flavor: Flavor,
  parts: readonly string[],
): Promise<readonly ColumnRow[]> {
  return session.query<ColumnRow>(columnsOfTable(flavor), parts);
}

export function columnOf(row: ColumnRow, checks: readonly TableCheck[], flavor: Flavor): ColumnDescription {
  return {
    name: row.name,
    type: typeOf(row, {
      isJson: checks.some((check) => check.jsonColumn === row.name || isAboutJson(check, row.name)),
      isChecked: checks.some((check) => check.columns.includes(row.name)),
    }),
    nullable: row.nullable === 'YES',
    defaultExpression: /GENERATED/.test(row.extra.replace('DEFAULT_GENERATED', ''))
      ? null
      : defaultOf(row, flavor),
    generated: generatedOf(row.extra),
    ...(row.expression ? { generation: row.expression } : {}),
  };
}

/** MariaDB's JSON with a check of its own has no other one that says so: `json_type(doc) = 'OBJECT'`. */
function isAboutJson({ columns, expression }: TableCheck, name: string): boolean {
  return (
    columns.every((column) => column === name) && columns.length > 0 && /^\(*json_\w+\(/i.test(expression)
  );
}

function generatedOf(extra: string): ColumnDescription['generated'] {
  if (/\bauto_increment\b/i.test(extra)) return 'identity by default';
  if (/\b(?:STORED|PERSISTENT) GENERATED\b/.test(extra)) return 'stored';
  return /\bVIRTUAL GENERATED\b/.test(extra) ? 'virtual' : 'no';
}

/** MariaDB prints an expression, NULL among them; MySQL the bare value unless the default is an expression. */
function defaultOf({ defaultValue, base, extra }: ColumnRow, flavor: Flavor): string | null {
  if (defaultValue === null) return null;
  if (flavor === 'mariadb') return defaultValue === 'NULL' ? null : defaultValue;
  const isLiteral = !extra.includes('DEFAULT_GENERATED') && !/^b'/.test(defaultValue);
  const isNumber = [
    'tinyint',
    'smallint',
    'mediumint',
    'int',
    'bigint',
    'decimal',
    'float',
    'double',
    'year',
  ];
  return isLiteral && !isNumber.includes(base) ? dialect.quoteLiteral(defaultValue) : defaultValue;
}
