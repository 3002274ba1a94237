/** The users of the three database roles, and one for drills. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { EnvironmentError } from '../../../errors.ts';
import type { ConnectionTarget, RoleTargets, Session, SessionOptions } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

const { quote, quoteLiteral } = dialect;

const MIGRATOR = 'rehearse_migrator';
export const LOAD = 'rehearse_load';
export const DRILL = 'rehearse_drill';
export const OBSERVER = 'rehearse_observer';
const ROLES = [MIGRATOR, LOAD, DRILL, OBSERVER] as const;

type Connect = (target: ConnectionTarget, options: SessionOptions) => Promise<Session>;

/**
 * Creates the database (when missing) and the roles, in this order:
 *
 * 1. The roles with new random passwords, handed to the server as SCRAM verifiers so that no log shows them. On a
 *    server whose administrator is a superuser, rehearse_migrator is one too: CREATE EXTENSION needs it, and what a
 *    restored snapshot holds belongs to owners of its own. It owns the database when it was made here. Elsewhere (a
 *    managed clone) nobody can be given what the administrator owns, so migrations run as the administrator itself.
 * 2. rehearse_observer reads all views: pg_monitor, pg_read_all_stats. Its main session is in another database,
 *    because a snapshot in the same one would make CREATE INDEX CONCURRENTLY wait.
 * 3. rehearse_load and rehearse_drill may read and change the rows of all tables, those that are there and those that
 *    the migrator will create, and no more. Their deadlock_timeout is 10 ms where a superuser can set it, so that the
 *    server's log shows their waits from there on (the migrator keeps the server's value).
 *
 * May be called again: passwords change, the rest stays.
 */
export async function createRoles(
  administrator: Session,
  database: string,
  connect: Connect,
): Promise<RoleTargets> {
  const superuser = await isSuperuser(administrator);
  const passwords = await createUsers(administrator, superuser);
  await createDatabase(administrator, database, superuser);
  const owner = superuser ? MIGRATOR : administrator.target.user;
  await using inside = await connect(
    { ...administrator.target, database },
    { applicationName: 'rehearse roles' },
  );
  await grantObserver(administrator);
  for (const role of [LOAD, DRILL]) await grantRows(inside, role, owner);
  if (superuser) await inside.query(WHICH_COLUMNS_HAVE_STATISTICS);
  const outside = await databaseForObserving(administrator, database);

  const targetOf = (user: (typeof ROLES)[number], inDatabase: string): ConnectionTarget => ({
    ...administrator.target,
    user,
    password: passwords[user],
    database: inDatabase,
  });
  const given = { ...administrator.target, database };
  return {
    migrator: superuser ? targetOf(MIGRATOR, database) : given,
    load: targetOf(LOAD, database),
    drill: targetOf(DRILL, database),
    observer: targetOf(OBSERVER, outside),
    observerInside: targetOf(OBSERVER, database),
    administrator: given,
  };
}

/** Removes the roles again, from a server that is not ours; what a migration created stays and changes its owner. */
export async function dropRoles(administrator: Session, database: string, connect: Connect): Promise<void> {
  const existing = await administrator.query<{ rolname: string }>(EXISTING_ROLES, [ROLES]);
  if (existing.length === 0) return;
  await using inside = await connect(
    { ...administrator.target, database },
    { applicationName: 'rehearse roles' },
  );
  for (const { rolname } of existing) {
    await inside.query(`reassign owned by ${quote(rolname)} to current_user`);
    await inside.query(`drop owned by ${quote(rolname)}`);
    await administrator.query(`drop role ${quote(rolname)}`);
  }
}

/** https://www.postgresql.org/docs/current/view-pg-roles.html */
const EXISTING_ROLES = 'select rolname from pg_roles where rolname = any($1)';

async function isSuperuser(session: Session): Promise<boolean> {
  const [role] = await session.query<{ rolsuper: boolean }>(
    'select rolsuper from pg_roles where rolname = current_user',
  );
  return role?.rolsuper ?? false;
}

async function createUsers(
  administrator: Session,
  superuser: boolean,
): Promise<Readonly<Record<(typeof ROLES)[number], string>>> {
  const existing = await administrator.query<{ rolname: string }>(EXISTING_ROLES, [ROLES]);
  const passwordOf = async (role: (typeof ROLES)[number]) => {
    const password = randomBytes(24).toString('base64url');
    const verb = existing.some((each) => each.rolname === role) ? 'alter' : 'create';
    const power = role === MIGRATOR && superuser ? 'superuser' : '';
    await administrator
      .query(
        `${verb} role ${quote(role)} with login ${power} password ${quoteLiteral(scramVerifier(password))}`,
      )
      .catch((error: unknown) => {
        throw new EnvironmentError(
          `user "${administrator.target.user}" cannot create the role "${role}": ` +
            'give it CREATEROLE, or connect as a user that has it',
          { cause: error },
        );
      });
    return password;
  };
  return {
    [MIGRATOR]: await passwordOf(MIGRATOR),
    [LOAD]: await passwordOf(LOAD),
    [DRILL]: await passwordOf(DRILL),
    [OBSERVER]: await passwordOf(OBSERVER),
  };
}

const SCRAM_ITERATIONS = 4096;

/** The form in which the server stores a password (RFC 5803, src/common/scram-common.c); it never sees the password. */
export function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, 32, 'sha256');
  const keyFor = (purpose: string) => createHmac('sha256', salted).update(purpose).digest();
  const stored = createHash('sha256').update(keyFor('Client Key')).digest('base64');
  const server = keyFor('Server Key').toString('base64');
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${stored}:${server}`;
}

async function createDatabase(administrator: Session, database: string, superuser: boolean): Promise<void> {
  const [found] = await administrator.query('select 1 from pg_database where datname = $1', [database]);
  if (found !== undefined) return;
  const owner = superuser ? ` owner ${quote(MIGRATOR)}` : '';
  await administrator.query(`create database ${quote(database)}${owner}`);
}

/** https://www.postgresql.org/docs/current/predefined-roles.html */
async function grantObserver(administrator: Session): Promise<void> {
  await administrator.query(`grant pg_monitor, pg_read_all_stats to ${quote(OBSERVER)}`);
}

/** Not what the statistics say: that would be values of the application. */
const WHICH_COLUMNS_HAVE_STATISTICS = `grant select (starelid, staattnum) on pg_catalog.pg_statistic to ${quote(OBSERVER)}`;

/** Schemas of the user, temporary ones left out. */
const USER_SCHEMAS = `
  select nspname
  from pg_namespace
  where nspname <> 'information_schema' and nspname !~ '^pg_'
  order by nspname`;

async function grantRows(inside: Session, role: string, owner: string): Promise<void> {
  const to = `to ${quote(role)}`;
  const future = `alter default privileges for role ${quote(owner)} grant`;
  await inside.query(`${future} usage on schemas ${to}`);
  await inside.query(`${future} select, insert, update, delete on tables ${to}`);
  await inside.query(`${future} usage on sequences ${to}`);
  await inside.query(`${future} execute on functions ${to}`);
  for (const { nspname } of await inside.query<{ nspname: string }>(USER_SCHEMAS)) {
    const schema = quote(nspname);
    await inside.query(`grant usage on schema ${schema} ${to}`);
    await inside.query(`grant select, insert, update, delete on all tables in schema ${schema} ${to}`);
    await inside.query(`grant usage on all sequences in schema ${schema} ${to}`);
    await inside.query(`grant execute on all functions in schema ${schema} ${to}`);
  }
  if (await isSuperuser(inside))
    await inside.query(`alter role ${quote(role)} set deadlock_timeout = '10ms'`);
}

/** A database to stay out of the way in: `postgres` where there is one. */
const OBSERVING_DATABASE = `
  select datname
  from pg_database
  where datallowconn and datname <> $1 and has_database_privilege($2, datname, 'connect')
  order by datname = 'postgres' desc, datname = current_database() desc, datistemplate, datname
  limit 1`;

async function databaseForObserving(administrator: Session, rehearsed: string): Promise<string> {
  const [found] = await administrator.query<{ datname: string }>(OBSERVING_DATABASE, [rehearsed, OBSERVER]);
  return found?.datname ?? rehearsed;
}
