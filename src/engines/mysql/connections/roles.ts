/** The users of the three database roles, and one for drills. */
import { randomBytes } from 'node:crypto';
import { EnvironmentError } from '../../../errors.ts';
import { type ConnectionTarget, type RoleTargets, type Session, SqlError } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

const { quote, quoteLiteral } = dialect;

const MIGRATOR = 'rehearse_migrator';
const LOAD = 'rehearse_load';
const DRILL = 'rehearse_drill';
const OBSERVER = 'rehearse_observer';
const ROLES = [MIGRATOR, LOAD, DRILL, OBSERVER] as const;
type Role = (typeof ROLES)[number];

/** As in GRANT. */
export const OBSERVER_ACCOUNT = account(OBSERVER);

/** Every user may connect to it, and it has no tables that could be locked. */
const OBSERVING_DATABASE = 'information_schema';

/**
 * Creates the database (when missing) and the users, each for all hosts and with a random password, in this order:
 *
 * 1. The database. Where it is made here, on a server of our own, rehearse_migrator may do everything; where it was
 *    there before (a managed clone), migrations run as the administrator itself, so that no view or trigger is left with
 *    a definer that goes away.
 * 2. rehearse_observer reads all views (PROCESS, performance_schema, sys) and, inside the database, all metadata. What
 *    the administrator of a managed server may not give away is named by the views' `missing`.
 * 3. rehearse_load and rehearse_drill may read and change the rows of all tables, and no more.
 *
 * May be called again: passwords change, the rest stays.
 */
export async function createRoles(administrator: Session, database: string): Promise<RoleTargets> {
  const existing = await existingRoles(administrator);
  const owned = (await createDatabase(administrator, database)) || existing.includes(MIGRATOR);
  const passwords = new Map<Role, string>();
  for (const role of ROLES)
    if (owned || role !== MIGRATOR) passwords.set(role, await createUser(administrator, role));
  if (owned)
    await administrator.execute(`grant all privileges on *.* to ${account(MIGRATOR)} with grant option`);
  await grantObserver(administrator, database);
  for (const role of [LOAD, DRILL] as const)
    await administrator.execute(
      `grant select, insert, update, delete, create temporary tables, lock tables, execute
       on ${pattern(database)}.* to ${account(role)}`,
    );
  const targetOf = (user: Role, inDatabase: string): ConnectionTarget => ({
    ...administrator.target,
    user,
    password: passwords.get(user) ?? '',
    database: inDatabase,
  });
  const given = { ...administrator.target, database };
  return {
    migrator: owned ? targetOf(MIGRATOR, database) : given,
    load: targetOf(LOAD, database),
    drill: targetOf(DRILL, database),
    observer: targetOf(OBSERVER, OBSERVING_DATABASE),
    observerInside: targetOf(OBSERVER, database),
    administrator: given,
  };
}

/** Removes the users again, from a server that is not ours. */
export async function dropRoles(administrator: Session): Promise<void> {
  for (const role of await existingRoles(administrator))
    await administrator.execute(`drop user ${account(role)}`);
}

/** Read from the grants' own view, since mysql.user is not for everyone on a managed server. */
async function existingRoles(administrator: Session): Promise<readonly Role[]> {
  const rows = await administrator.query<{ grantee: string }>(
    'select distinct grantee as grantee from information_schema.user_privileges where grantee in (?)',
    [ROLES.map((role) => `'${role}'@'%'`)],
  );
  return ROLES.filter((role) => rows.some(({ grantee }) => grantee === `'${role}'@'%'`));
}

/** True when it was not there before. */
async function createDatabase(administrator: Session, database: string): Promise<boolean> {
  const [found] = await administrator.query(
    'select 1 as found from information_schema.schemata where schema_name = ?',
    [database],
  );
  if (found !== undefined) return false;
  await administrator.execute(`create database ${quote(database)}`);
  return true;
}

async function createUser(administrator: Session, role: Role): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  const identified = `${account(role)} identified by ${quoteLiteral(password)}`;
  try {
    await administrator.execute(`create user if not exists ${identified}`);
    await administrator.execute(`alter user ${identified}`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError(
      `user "${administrator.target.user}" cannot create the user "${role}": ${message.replaceAll(password, '***')}. ` +
        'Give it CREATE USER, or connect as a user that has it.',
    );
  }
  return password;
}

/** ER_DBACCESS_DENIED, ER_ACCESS_DENIED, ER_TABLEACCESS_DENIED, ER_SPECIFIC_ACCESS_DENIED, ER_BAD_DB. */
const REFUSED = ['1044', '1045', '1142', '1227', '1049', '1370'];

/**
 * https://dev.mysql.com/doc/refman/en/privileges-provided.html; UPDATE switches consumers and instruments on for the time
 * of a rehearsal.
 */
async function grantObserver(administrator: Session, database: string): Promise<void> {
  const to = account(OBSERVER);
  const wanted = [
    `grant process, replication client on *.* to ${to}`,
    `grant select, update on performance_schema.* to ${to}`,
    `grant select, execute on sys.* to ${to}`,
    `grant select, show view on ${pattern(database)}.* to ${to}`,
  ];
  for (const statement of wanted)
    await administrator.execute(statement).catch((error: unknown) => {
      if (!(error instanceof SqlError) || !REFUSED.includes(error.code ?? '')) throw error;
    });
}

function account(role: Role): string {
  return `${quoteLiteral(role)}@'%'`;
}

/** In a grant a database is a pattern: https://dev.mysql.com/doc/refman/en/grant.html#grant-database-privileges */
function pattern(database: string): string {
  return quote(database.replace(/[_%\\]/g, '\\$&'));
}
