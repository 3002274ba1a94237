/** Which parents the rows refer to, with the skew and the order of production's foreign key, not with its ids. */
import type { CellValue } from '../../engines/engine.ts';
import type { ColumnProfile, ForeignKeyProfile } from '../../profile/profile.ts';
import { rowsByValue } from '../keys/key-order.ts';
import { seedOf } from '../random.ts';
import type { TableRequest } from '../table.ts';
import {
  columnProfile,
  fall,
  isProfiled,
  nullsOf,
  profiledNullFraction,
  scaledDistinct,
  UNORDERED,
} from './column.ts';

export interface ProfiledKey {
  readonly columns: readonly string[];
  /** Name of the foreign key; its columns are null in the same rows. */
  readonly name: string;
  /** Parent rows to choose from. */
  readonly parents: number;
  /** What a column of the key takes from a parent, by the parent's position. */
  keyOf(position: number, column: string): CellValue;
}

/** Position of the parent of each row; null where the profile does not tell of the key, or the scenario does. */
export function profiledChoice(
  { spec, rules, randomSeed }: TableRequest,
  { columns, name, parents, keyOf }: ProfiledKey,
): ((row: number) => number) | null {
  const { profile, description, overrides } = spec;
  const [first] = columns;
  const column = description.columns.find((each) => each.name === first);
  if (profile === undefined || column === undefined || parents === 0) return null;
  if (columns.some((each) => !isProfiled(spec, each) || (overrides[each]?.fanout ?? null) !== null))
    return null;
  const all = columns.map((each) => columnProfile(profile, each)).filter((each) => each !== null);
  // Of several columns that one which tells parents apart most, and the order of that one whose values lie in one.
  const known = mostOf(all, ({ distinct }) => distinct ?? 0);
  const ordered = mostOf(all, ({ correlation }) => Math.abs(correlation ?? 0));
  const key = profile.foreignKeys.find((each) => sameColumns(each, columns));
  const referred = key?.parentsReferred ?? known?.distinct ?? null;
  if (known === null || referred === null) return null;
  const fraction = profiledNullFraction(spec, column, rules.columns.get(column.name)) ?? 0;
  const distinct = scaledDistinct(referred, known.nullFraction, profile.rows, spec.rows);
  const falls = fall({
    seed: seedOf(randomSeed, description.name, name, 'parents'),
    nulls: nullsOf(spec, name, randomSeed, fraction),
    rows: spec.rows,
    frequencies: frequenciesOf(key, known.nullFraction) ?? known.frequencies,
    distinctIn: () => Math.min(parents, distinct),
    // A volume has no other parents than its own.
    ofRows: null,
    correlation: ordered?.correlation ?? null,
    ranks: () => null,
  });
  const rankOf = (row: number) =>
    Math.min(parents - 1, Math.floor(((falls.rankOf(row) + 0.5) * parents) / falls.distinct));
  if (ordered === null || Math.abs(ordered.correlation ?? 0) <= UNORDERED) return rankOf;
  // Of parents that lie in no order the ranks of their values count, not their places.
  let byValue: { readonly rows: Uint32Array | null } | null = null;
  return (row) => {
    byValue ??= { rows: rowsByValue((position) => keyOf(position, ordered.name), parents) };
    const rank = rankOf(row);
    return byValue.rows?.[rank] ?? rank;
  };
}

function mostOf(
  columns: readonly ColumnProfile[],
  figure: (column: ColumnProfile) => number,
): ColumnProfile | null {
  return columns.reduce<ColumnProfile | null>(
    (most, column) => (most === null || figure(column) > figure(most) ? column : most),
    null,
  );
}

function sameColumns(key: ForeignKeyProfile, columns: readonly string[]): boolean {
  return key.columns.length === columns.length && key.columns.every((each, index) => each === columns[index]);
}

/** Of all rows, as those of a column; children without a parent do not count in those of a key. */
function frequenciesOf(key: ForeignKeyProfile | undefined, nullFraction: number): readonly number[] | null {
  if (key === undefined || key.frequencies.length === 0) return null;
  return key.frequencies.map((each) => each * (1 - nullFraction));
}
