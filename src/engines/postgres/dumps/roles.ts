/**
 * Roles that a dump names: pg_dump writes none of them, but policies and migrations need them to be there. They are made
 * without a login and without privileges.
 */
import { dialect } from '../text/dialect.ts';

const NAME = String.raw`(?:"(?:[^"]|"")+"|[\w$\u0080-\u00ff]+)`;
const NAMES = `${NAME}(?:\\s*,\\s*${NAME})*`;
const MENTIONS: readonly RegExp[] = [
  new RegExp(`^alter\\s[\\s\\S]*?\\sowner\\s+to\\s+(${NAME})\\s*;`, 'i'),
  new RegExp(
    `^(?:grant|revoke)\\s[\\s\\S]*?\\s(?:to|from)\\s+(${NAMES})(?:\\s+with\\s[^;]*|\\s+granted\\s[^;]*)?\\s*;`,
    'i',
  ),
  new RegExp(`^alter\\s+default\\s+privileges\\s+for\\s+role\\s+(${NAMES})\\s`, 'i'),
  new RegExp(
    `^alter\\s+default\\s+privileges\\s[\\s\\S]*?\\s(?:to|from)\\s+(${NAMES})\\s*(?:with\\s[^;]*)?;`,
    'i',
  ),
  new RegExp(`^create\\s+policy\\s[\\s\\S]*?\\sto\\s+(${NAMES})\\s*(?:using\\b|with\\b|;)`, 'i'),
  new RegExp(`^create\\s+user\\s+mapping\\s+(?:if\\s+not\\s+exists\\s+)?for\\s+(${NAME})\\s`, 'i'),
];
const NO_ROLE = /^(?:public|current_user|session_user|current_role|pg_.*)$/;

/** Of one statement, as the server reads them: lower case unless quoted. */
export function rolesIn(statement: string): readonly string[] {
  const names = MENTIONS.flatMap((pattern) => {
    const list = pattern.exec(statement)?.[1];
    return list === undefined ? [] : [...list.matchAll(new RegExp(NAME, 'g'))].map(([name]) => name);
  });
  const plain = names.map((name) =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase(),
  );
  return [...new Set(plain)].filter((name) => !NO_ROLE.test(name));
}

/** One line. A role that is there stays as it is; who may make none goes without. */
export function createRole(name: string): string {
  return (
    `do $rehearse$ begin create role ${dialect.quote(name)}; ` +
    'exception when duplicate_object or insufficient_privilege or reserved_name then null; end $rehearse$;'
  );
}
