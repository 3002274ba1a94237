/** Which tables get canaries. Pure. */
import type { TableDescription } from '../../engines/engine.ts';

/**
 * Each has two connections and sends twenty probes a second. 160 probes a second took 8 % of a core of ours and 4.5 % of one
 * of the server (Postgres 18, 2 cores of an AMD EPYC), so that these take some 5 % of one core together.
 */
export const TABLES_WATCHED = 3;

export interface ChosenTables {
  readonly watched: readonly TableDescription[];
  /** Touched as well, but too many. */
  readonly leftOut: readonly string[];
  /** In words: why these. */
  readonly reason: string;
}

/**
 * Tables whose name stands in the text of a pending migration; then those that they refer to and that refer to them,
 * since foreign keys lock both sides. All tables where no name stands there, as when a program migrates.
 */
export function chooseTables(
  tables: readonly TableDescription[],
  migrationTexts: readonly string[],
): ChosenTables {
  const text = migrationTexts.join('\n').toLowerCase();
  const whole = tables.filter(({ partitioning }) => partitioning !== 'partition');
  const named = whole.filter(({ parts }) => standsIn(text, parts.at(-1) ?? ''));
  const names = new Set(named.map(({ name }) => name));
  const related = whole.filter(
    (table) =>
      !names.has(table.name) &&
      (refersTo(table, names) || named.some((each) => refersTo(each, new Set([table.name])))),
  );
  const wanted = named.length > 0 ? [...named, ...related] : whole;
  const words =
    named.length > 0 ? 'named in the migrations, or bound to such by a foreign key' : 'all there are';
  return {
    watched: wanted.slice(0, TABLES_WATCHED),
    leftOut: wanted.slice(TABLES_WATCHED).map(({ name }) => name),
    reason: words,
  };
}

function refersTo({ foreignKeys }: TableDescription, names: ReadonlySet<string>): boolean {
  return foreignKeys.some(({ references }) => names.has(references));
}

/** As a whole word: `order` does not stand in `reorder`. */
function standsIn(text: string, name: string): boolean {
  const escaped = name.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return name !== '' && new RegExp(`(?<![\\p{L}\\p{N}_$])${escaped}(?![\\p{L}\\p{N}_$])`, 'u').test(text);
}
