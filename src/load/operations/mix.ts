/** Operations from the statements that a profile says production ran, each with the share of its calls. */
import type { Dialect, TableDescription } from '../../engines/engine.ts';
import type { Profile, StatementProfile } from '../../profile/profile.ts';
import type { MixRecord, MixStatement } from '../../recording/recording.ts';
import type { DraftOperation } from './workload.ts';

export interface Mix {
  readonly drafts: readonly DraftOperation[];
  /** What is told of each statement: those with a draft by the name of their operation, until that is refused. */
  readonly statements: readonly MixStatement[];
}

/** Each operation takes up to 400 KB of histograms, in each load thread. */
const MOST_OPERATIONS = 200;
/** A list whose length is not known gets as many values as rows came back per call, and no more than these. */
const LONGEST_LIST = 100;
const NAME_LENGTH = 40;
const NOT_YET = { notMeasured: 'it was not tried' };

export function mixOf(
  { statements }: Pick<Profile, 'statements'>,
  tables: readonly TableDescription[],
  dialect: Dialect,
): Mix {
  const total = statements.reduce((sum, { calls }) => sum + calls, 0);
  const columns = new Map(tables.map(({ parts, columns: own }) => [parts.at(-1)?.toLowerCase(), own.length]));
  const columnsOf = (table: string): number | null => columns.get(table.toLowerCase()) ?? null;
  const taken = new Set<string>();
  const drafts: DraftOperation[] = [];
  const told = statements
    .toSorted((one, other) => other.calls - one.calls)
    .map((statement): MixStatement => {
      const share = total === 0 ? 0 : statement.calls / total;
      const rowsPerCall = { production: rowsPerCallOf(statement), ours: NOT_YET };
      const facts = { text: statement.text, share, rowsPerCall };
      if (drafts.length >= MOST_OPERATIONS)
        return {
          ...facts,
          replayed: { reason: `it is rarer than the ${MOST_OPERATIONS} that the load repeats` },
        };
      const listLength = Math.min(LONGEST_LIST, Math.max(2, Math.round(rowsPerCall.production)));
      const made = dialect.fromNormalised(statement.text, { columnsOf, listLength });
      if ('refused' in made) return { ...facts, replayed: { reason: made.refused } };
      const name = uniqueName(made.statement, taken);
      drafts.push({
        name,
        // Percents with enough digits for one call in a billion.
        weight: Number((share * 100).toPrecision(9)),
        transaction: false,
        line: 0,
        statements: [{ written: made.statement, line: 0, hints: new Map() }],
      });
      return { ...facts, replayed: { operation: name } };
    });
  return { drafts: drafts.filter(({ weight }) => weight > 0), statements: told };
}

function rowsPerCallOf({ rows, calls }: StatementProfile): number {
  return calls === 0 ? 0 : rows / calls;
}

/** The first word and the first name behind FROM, INTO, UPDATE or JOIN: "select_orders". */
function uniqueName(statement: string, taken: Set<string>): string {
  const verb = /[a-z]+/i.exec(statement)?.[0]?.toLowerCase() ?? 'statement';
  const table = /\b(?:from|into|update|join)\s+(?:only\s+)?([`"\w.$]+)/i.exec(statement)?.[1] ?? '';
  const plain = [verb, table]
    .join('_')
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/_+$/, '')
    .replace(/__+/g, '_')
    .slice(0, NAME_LENGTH);
  let name = plain;
  for (let number = 2; taken.has(name); number += 1) name = `${plain}_${number}`;
  taken.add(name);
  return name;
}

/** Shorter spans tell more of chance than of a rate. */
const LEAST_SPAN_S = 60;

/** Calls per second of all statements since the server began to count; null where that is not known. */
export function callsPerSecond({
  statements,
  statementsSince,
  capturedAt,
}: Pick<Profile, 'statements' | 'statementsSince' | 'capturedAt'>): number | null {
  if (statementsSince === null) return null;
  const seconds = (Date.parse(capturedAt) - Date.parse(statementsSince)) / 1000;
  const calls = statements.reduce((sum, each) => sum + each.calls, 0);
  return seconds >= LEAST_SPAN_S && calls > 0 ? calls / seconds : null;
}

/** Share of production's calls that the load repeats, 0..1. */
export function replayedShare({ statements }: Pick<MixRecord, 'statements'>): number {
  return statements.reduce((sum, { share, replayed }) => sum + ('operation' in replayed ? share : 0), 0);
}
