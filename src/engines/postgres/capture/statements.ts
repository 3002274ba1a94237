/** What ran, from pg_stat_statements: https://www.postgresql.org/docs/current/pgstatstatements.html */
import type { CapturedFacts } from '../../capture.ts';
import type { Session } from '../../engine.ts';
import { SqlError } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { SQUASHED } from '../text/normalised.ts';
import { nextToken } from '../text/scan.ts';

export type CapturedStatements = Pick<CapturedFacts, 'statements' | 'statementsSince' | 'missing'>;

/** At the end of each statement of a capture, so that a later one knows them in the statistics and leaves them out. */
export const OWN_MARK = '/* rehearse capture */';

/** The statements that took the most time; what is below hardly ever ran. */
const MOST_STATEMENTS = 2_000;
/** Longer ones are lists of thousands of values. */
const LONGEST_STATEMENT = 50_000;

const WHERE_IT_IS = `
  select n.nspname::text as schema, (string_to_array(x.extversion, '.'))[2]::int as minor,
    coalesce(pg_has_role(current_user, 'pg_read_all_stats', 'usage'), false) as privileged
  from pg_extension x
    join pg_namespace n on n.oid = x.extnamespace
  where x.extname = 'pg_stat_statements'`;

interface StatementRow {
  readonly text: string;
  readonly calls: number;
  readonly rows: number;
  readonly milliseconds: number;
}

/** The times were called total_time up to version 1.7. Statements inside of functions (toplevel, 1.9) come with their call. */
const statementsIn = (schema: string, minor: number) => `
  select
    s.query as text,
    sum(s.calls)::float8 as calls,
    sum(s.rows)::float8 as rows,
    sum(s.${minor >= 8 ? 'total_exec_time' : 'total_time'})::float8 as milliseconds
  from ${dialect.quoteName([schema, 'pg_stat_statements'])} s
  where s.dbid = (select oid from pg_database where datname = current_database())
    and s.calls > 0
    ${minor >= 9 ? 'and s.toplevel' : ''}
    and length(s.query) <= ${LONGEST_STATEMENT}
    and position('rehearse' || ' capture' in s.query) = 0
  group by s.query
  order by 4 desc, 1
  limit ${MOST_STATEMENTS * 2}`;

const since = (schema: string) => `
  select stats_reset as since from ${dialect.quoteName([schema, 'pg_stat_statements_info'])}`;

/** What the view shows instead of the text of somebody else's statement. */
const HIDDEN = '<insufficient privilege>';

/** Reads and writes of this database, without values, with the reason where there are none. */
export async function readStatements(session: Session): Promise<CapturedStatements> {
  const [extension] = await session.query<{ schema: string; minor: number; privileged: boolean }>(
    WHERE_IT_IS,
  );
  if (extension === undefined)
    return none(
      'the extension pg_stat_statements is not in this database: CREATE EXTENSION pg_stat_statements',
    );
  const { schema, minor, privileged } = extension;
  const rows = await session.query<StatementRow>(statementsIn(schema, minor)).catch((error: unknown) => {
    // object_not_in_prerequisite_state: the extension is there, its library is not loaded.
    if (error instanceof SqlError && error.code === '55000') return error.message;
    if (error instanceof SqlError && error.code === '42501')
      return `${error.message}: grant pg_read_all_stats`;
    throw error;
  });
  if (typeof rows === 'string') return none(rows);
  const [reset] = minor >= 9 ? await session.query<{ since: Date | null }>(since(schema)) : [];
  const shown = rows.filter(({ text }) => text !== HIDDEN);
  return {
    statements: mergedByText(shown).slice(0, MOST_STATEMENTS),
    statementsSince: reset?.since?.toISOString() ?? null,
    missing:
      privileged && shown.length === rows.length
        ? []
        : [
            {
              what: 'statements of other users',
              reason: 'this user may not read them: grant pg_read_all_stats',
            },
          ],
  };
}

function none(reason: string): CapturedStatements {
  return { statements: [], statementsSince: null, missing: [{ what: 'statements', reason }] };
}

function mergedByText(rows: readonly StatementRow[]): CapturedFacts['statements'] {
  const byText = new Map<string, StatementRow>();
  for (const row of rows) {
    const text = withoutValues(row.text);
    if (!['read', 'write'].includes(dialect.kindOf(text)) || /^\s*(?:explain|show|copy)\b/i.test(text))
      continue;
    const before = byText.get(text);
    byText.set(text, {
      text,
      calls: row.calls + (before?.calls ?? 0),
      rows: row.rows + (before?.rows ?? 0),
      milliseconds: row.milliseconds + (before?.milliseconds ?? 0),
    });
  }
  return [...byText.values()].map(({ milliseconds, ...row }) => ({
    ...row,
    meanMs: milliseconds / row.calls,
  }));
}

/**
 * The server keeps a text as it was written when its entry was pushed out while it ran, and comments always: neither a
 * value nor what an application wrote into a comment leaves. The server's own mark of a longer list stays.
 */
function withoutValues(text: string): string {
  let bare = '';
  let at = 0;
  for (let next = nextToken(text, 0, false); next !== null; next = nextToken(text, next.to, false)) {
    bare +=
      text.slice(at, next.from) +
      (next.kind === 'comment' && next.text !== SQUASHED ? ' ' : text.slice(next.from, next.to));
    at = next.to;
  }
  return dialect.redactValues((bare + text.slice(at)).trim());
}
