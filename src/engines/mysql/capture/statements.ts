/** What ran, by digest: https://dev.mysql.com/doc/refman/8.4/en/performance-schema-statement-summary-tables.html */
import type { CapturedFacts } from '../../capture.ts';
import type { Session } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { isRefused } from '../views/instruments.ts';

export type CapturedStatements = Pick<CapturedFacts, 'statements' | 'statementsSince' | 'missing'>;

/** The statements that took the most time; what is below hardly ever ran. */
const MOST_STATEMENTS = 2_000;
const PICOSECONDS_PER_MS = 1e9;

interface DigestRow {
  readonly text: string;
  readonly calls: string | number;
  readonly rows: string | number;
  readonly picoseconds: string | number;
  /** Seconds since 1970. */
  readonly first: string | number;
}

/** Those that read the server's own schemas are ours, or a monitor's. */
const DIGESTS = `
  select
    digest_text as text,
    count_star as calls,
    sum_rows_sent + sum_rows_affected as \`rows\`,
    avg_timer_wait as picoseconds,
    unix_timestamp(first_seen) as \`first\`
  from performance_schema.events_statements_summary_by_digest
  where schema_name = database() and digest_text is not null and count_star > 0
    and digest_text not regexp '\`?(information_schema|performance_schema|mysql|sys)\`? *[.]'
  order by sum_timer_wait desc`;

const OTHERS = `
  select count_star as calls
  from performance_schema.events_statements_summary_by_digest
  where digest is null`;

/** Reads and writes of this database as the server normalises them, with the reason where there are none. */
export async function readStatements(session: Session): Promise<CapturedStatements> {
  const [schema] = await session.query<{ on: number }>('select @@global.performance_schema as `on`');
  if (Number(schema?.on) !== 1)
    return none('performance_schema is off: start the server with performance_schema = ON');
  try {
    const rows = await session.query<DigestRow>(DIGESTS);
    const [others] = await session.query<{ calls: string | number }>(OTHERS);
    return statementsOf(rows, Number(others?.calls ?? 0));
  } catch (error) {
    if (!isRefused(error)) throw error;
    return none('this user may not read the performance schema: grant select on performance_schema.*');
  }
}

function none(reason: string): CapturedStatements {
  return { statements: [], statementsSince: null, missing: [{ what: 'statements', reason }] };
}

function statementsOf(rows: readonly DigestRow[], others: number): CapturedStatements {
  const wanted = rows.filter(({ text }) => touchesTables(text));
  const whole = wanted.filter(({ text }) => !/\.\.\.$/.test(text));
  const cut = wanted.length - whole.length;
  const missing = [
    ...(cut === 0
      ? []
      : [
          {
            what: `${cut} long statements`,
            reason: 'the server keeps only the beginning of their text: raise max_digest_length',
          },
        ]),
    ...(others === 0
      ? []
      : [
          {
            what: `${others} calls of other statements`,
            reason: 'the server had no room to tell them apart: raise performance_schema_digests_size',
          },
        ]),
  ];
  return {
    statements: whole.slice(0, MOST_STATEMENTS).map(({ text, calls, rows: count, picoseconds }) => ({
      // The server puts marks for all values; should it leave one, it stays here.
      text: dialect.redactValues(text),
      calls: Number(calls),
      rows: Number(count),
      meanMs: Number(picoseconds) / PICOSECONDS_PER_MS,
    })),
    statementsSince:
      whole.length === 0
        ? null
        : new Date(Math.min(...whole.map(({ first }) => Number(first))) * 1000).toISOString(),
    missing,
  };
}

function touchesTables(text: string): boolean {
  if (/^\s*(?:show|explain|desc|describe|help|checksum|load)\b/i.test(text)) return false;
  const kind = dialect.kindOf(text);
  return kind === 'write' || (kind === 'read' && /\bfrom\b/i.test(text));
}
