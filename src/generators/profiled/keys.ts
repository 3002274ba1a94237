/** Which parents the rows refer to, with the skew and the order of production's foreign key, not with its ids. */
import type { ForeignKeyProfile } from '../../profile/profile.ts';
import { seedOf } from '../random.ts';
import type { TableRequest } from '../table.ts';
import { columnProfile, fall, isProfiled, nullsOf, profiledNullFraction, scaledDistinct } from './column.ts';

export interface ProfiledKey {
  readonly columns: readonly string[];
  /** Name of the foreign key; its columns are null in the same rows. */
  readonly name: string;
  /** Parent rows to choose from. */
  readonly parents: number;
}

/** Position of the parent of each row; null where the profile does not tell of the key, or the scenario does. */
export function profiledChoice(
  { spec, rules, randomSeed }: TableRequest,
  { columns, name, parents }: ProfiledKey,
): ((row: number) => number) | null {
  const { profile, description, overrides } = spec;
  const [first] = columns;
  const column = description.columns.find((each) => each.name === first);
  if (profile === undefined || column === undefined || parents === 0) return null;
  if (columns.some((each) => !isProfiled(spec, each) || (overrides[each]?.fanout ?? null) !== null))
    return null;
  const known = columnProfile(profile, column.name);
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
    correlation: known.correlation,
    ranks: () => null,
  });
  return (row) => Math.min(parents - 1, Math.floor(((falls.rankOf(row) + 0.5) * parents) / falls.distinct));
}

function sameColumns(key: ForeignKeyProfile, columns: readonly string[]): boolean {
  return key.columns.length === columns.length && key.columns.every((each, index) => each === columns[index]);
}

/** Of all rows, as those of a column; children without a parent do not count in those of a key. */
function frequenciesOf(key: ForeignKeyProfile | undefined, nullFraction: number): readonly number[] | null {
  if (key === undefined || key.frequencies.length === 0) return null;
  return key.frequencies.map((each) => each * (1 - nullFraction));
}
