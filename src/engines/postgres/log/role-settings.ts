/** What the journal sets on roles, so that the server tells what it reads; taken back when it is closed. */
import type { JournalRequest } from '../../engine.ts';
import { LOAD } from '../connections/roles.ts';
import { dialect } from '../text/dialect.ts';

/**
 * On the role alone, for the sessions that it opens from now on. Nothing of it reaches a client or changes what a
 * statement does. The text of the message would otherwise stand again in every line, and so n times for n statements.
 */
const ROLE_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['log_statement', 'all'],
  ['log_min_duration_statement', '0'],
  ['log_parser_stats', 'on'],
  ['log_executor_stats', 'on'],
  ['log_min_error_statement', 'fatal'],
];
/** What runs inside others is counted too. A setting of a library that is loaded; without it the server refuses them. */
const COUNT_SETTINGS: typeof ROLE_SETTINGS = [
  ['pg_stat_statements.track', 'all'],
  ['pg_stat_statements.track_utility', 'on'],
];
/** Lines of the log are told apart by their words. */
const ENGLISH: typeof ROLE_SETTINGS = [['lc_messages', 'C']];
/** To be followed by `set` or `reset`. */
export function settingOf(role: string, database: string): string {
  return `alter role ${dialect.quote(role)} in database ${dialect.quote(database)}`;
}

type RoleSetting = readonly [role: string, name: string, value: string];

const LANGUAGE = `
  select current_setting('lc_messages') as language, current_setting('server_version_num')::int as version,
    current_setting('pg_stat_statements.track', true) as track,
    (select pg_catalog.count(*) from pg_catalog.pg_roles where rolname = $1)::int as load`;

/** For the sessions that are opened from now on. */
export async function roleSettings({ inside, user }: JournalRequest): Promise<{
  readonly settings: readonly RoleSetting[];
  /** `server_version_num` */
  readonly version: number;
}> {
  const [server] = await inside.query<{
    language: string;
    version: number;
    track: string | null;
    load: number;
  }>(LANGUAGE, [LOAD]);
  const wanted = [
    ...ROLE_SETTINGS,
    ...(server?.track == null ? [] : COUNT_SETTINGS),
    ...(server?.track != null && server.version >= QUERY_ID_SINCE
      ? ([['compute_query_id', 'on']] as const)
      : []),
  ];
  const foreign = !/^(?:|C|POSIX|C\..*|en(?:[_.@].*)?|English.*)$/i.test(server?.language ?? '');
  const english = foreign ? [user, ...(server?.load === 1 ? [LOAD] : [])] : [];
  const settings = [
    ...wanted.map(([name, value]) => [user, name, value] as const),
    ...english.flatMap((role) => ENGLISH.map(([name, value]) => [role, name, value] as const)),
  ];
  return { settings, version: server?.version ?? 0 };
}

const QUERY_ID_SINCE = 140_000;
