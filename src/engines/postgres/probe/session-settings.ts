/** Settings that a session was given, so that another one can be given the same. */
import type { Session } from '../../engine.ts';

export type SessionSettings = readonly { readonly name: string; readonly setting: string }[];

/**
 * https://www.postgresql.org/docs/current/view-pg-settings.html: values are in each setting's own unit. The view leaves out the
 * role that SET ROLE took; it comes last, since it may not be allowed to set the others.
 */
const OF_SESSION = `
  select s.name, s.setting
  from (
    select p.name, p.setting
    from pg_catalog.pg_settings p
    where p.source = 'session'
    union all
    select 'role', current_setting('role')
    where current_setting('role') <> 'none'
  ) s
  order by s.name = 'role'`;

export async function readSettings(session: Session): Promise<SessionSettings> {
  return session.query<{ name: string; setting: string }>(OF_SESSION);
}

export async function applySettings(session: Session, settings: SessionSettings): Promise<void> {
  for (const { name, setting } of settings)
    await session.query('select pg_catalog.set_config($1, $2, false)', [name, setting]);
}
