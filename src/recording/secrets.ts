/** Passwords in statements, which no recording keeps. Pure. */

/**
 * What follows is a password: CREATE and ALTER ROLE, options of a user mapping or a subscription (Postgres), IDENTIFIED BY and
 * SET PASSWORD (MySQL, MariaDB), and a column of that name that is set.
 */
const BEFORE =
  /\b(?:password\s+|set\s+password(?:\s+for\s+[^=;]*)?\s*=\s*(?:password\s*\(\s*)?|identified\s+(?:via\s+\S+\s+using\s+|with\s+\S+\s+(?:by|as)\s+|by\s+)(?:password\s*\(?\s*)?)/;
const LITERAL =
  /(?:[eE]?'(?:[^'\\]|''|\\[\s\S])*'|"(?:[^"\\]|""|\\[\s\S])*"|\$(?<tag>\w*)\$[\s\S]*?\$\k<tag>\$)/;
const SECRET = new RegExp(`(${BEFORE.source})${LITERAL.source}`, 'gi');
const MAY_HOLD = /password|identified/i;

/** "create role app password '***'" */
export function hideSecrets(sql: string): string {
  return MAY_HOLD.test(sql) ? sql.replace(SECRET, "$1'***'") : sql;
}

/** The same in every text of plain data. */
export function withoutSecrets<Data>(data: Data): Data;
export function withoutSecrets(data: unknown): unknown {
  if (typeof data === 'string') return hideSecrets(data);
  if (Array.isArray(data)) return data.map((each: unknown) => withoutSecrets(each));
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, withoutSecrets(value)]));
}
