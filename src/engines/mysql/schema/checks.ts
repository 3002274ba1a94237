/** CHECK constraints, as expressions that read the same whatever the sql_mode. */
import type { Session } from '../../engine.ts';
import type { Flavor } from '../connections/client.ts';
import { stringValue } from '../filling/cells.ts';
import { dialect } from '../text/dialect.ts';
import { isToken, nameIn, scan, type Token, tokensOf } from '../text/scan.ts';
import { decoded } from './decoded.ts';

export interface TableCheck {
  readonly name: string;
  readonly expression: string;
  /** Names that the expression mentions. */
  readonly columns: readonly string[];
  /** The column whose values have to be JSON, where the check says no more than that. */
  readonly jsonColumn: string | null;
}

interface CheckRow {
  readonly table: string;
  readonly name: string;
  readonly clause: string;
}

/** https://dev.mysql.com/doc/refman/en/information-schema-check-constraints-table.html */
const CHECKS: Readonly<Record<Flavor, string>> = {
  mysql: `
    select t.table_name as \`table\`, c.constraint_name as name, c.check_clause as clause
    from information_schema.check_constraints c
      join information_schema.table_constraints t
        on t.constraint_schema = c.constraint_schema and t.constraint_name = c.constraint_name
    where c.constraint_schema = database() and t.constraint_type = 'CHECK' and t.enforced = 'YES'
    order by t.table_name, c.constraint_name`,
  mariadb: `
    select table_name as \`table\`, constraint_name as name, check_clause as clause
    from information_schema.check_constraints
    where constraint_schema = database()
    order by table_name, constraint_name`,
};

/** By table. */
export async function readChecks(
  session: Session,
  flavor: Flavor,
): Promise<ReadonlyMap<string, readonly TableCheck[]>> {
  const checks = new Map<string, TableCheck[]>();
  for (const { table, name, clause } of await session.query<CheckRow>(CHECKS[flavor])) {
    // MySQL prints the clause as if it stood inside a literal: _utf8mb4\'a\'
    const printed = flavor === 'mysql' ? decoded(clause).replace(/\\(.)/gs, '$1') : clause;
    const list = checks.get(table) ?? [];
    list.push(checkOf(name, printed));
    checks.set(table, list);
  }
  return checks;
}

function checkOf(name: string, printed: string): TableCheck {
  const tokens = tokensOf(printed);
  const [call, open, column, close, ...rest] = tokens;
  const isJson =
    rest.length === 0 && isToken(call, 'json_valid') && isToken(open, '(') && isToken(close, ')');
  return {
    name,
    expression: standardLiterals(printed),
    columns: tokens.flatMap((token) => (token.kind === 'quoted' ? [nameIn(token) ?? ''] : [])),
    jsonColumn: isJson ? nameIn(column) : null,
  };
}

/**
 * Literals without their character set and without backslashes; without MariaDB's remarks (`TIMESTAMP/*WITH LOCAL TIME ZONE*\/'..'`)
 * and without changes of the character set (`convert(name using utf8mb4)`), which change no value.
 */
function standardLiterals(expression: string): string {
  let text = '';
  let at = 0;
  const tokens = [...scan(expression)];
  const left = conversions(tokens);
  for (const [index, token] of tokens.entries()) {
    const isIntroducer =
      token.kind === 'word' && token.text.startsWith('_') && tokens[index + 1]?.kind === 'string';
    if (!isIntroducer && !['string', 'comment'].includes(token.kind) && !left.has(token)) continue;
    text += expression.slice(at, token.from);
    if (token.kind === 'string') text += dialect.quoteLiteral(stringValue(token.text));
    else if (token.kind === 'comment') text += ' ';
    at = token.to;
  }
  return text + expression.slice(at);
}

/** The words `convert`, `using` and the character set of each `convert(... using utf8mb4)`. */
function conversions(tokens: readonly Token[]): ReadonlySet<Token> {
  const found = new Set<Token>();
  const open: (Token | null)[] = [];
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    if (isToken(token, '(')) open.push(before !== undefined && isToken(before, 'convert') ? before : null);
    else if (isToken(token, ')')) open.pop();
    const call = open.at(-1) ?? null;
    const charset = tokens[index + 1];
    if (call === null || charset === undefined || !isToken(token, 'using')) continue;
    for (const each of [call, token, charset]) found.add(each);
  }
  return found;
}
