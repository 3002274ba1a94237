/** The order in which rows come, where partitions then put them into another one. Pure. */
import type { TableDescription } from '../../engines/engine.ts';
import type { ColumnProfile, TableProfile } from '../../profile/profile.ts';
import { partitionRules, rangeOf } from '../checks/partitions.ts';

/**
 * The profile with the correlations that the rows must have as they come, so that the table has production's when ranges have
 * parted them: the server reads one partition after the other. With the shares p of the partitions, rows that come in no order
 * of the key have the correlation 1 - sum(p^3) in it, and a column that has the correlation c inside of each has c * sum(p^2),
 * beyond what it has in no order at all.
 */
export function asTheyCome(
  profile: TableProfile | undefined,
  table: TableDescription,
): TableProfile | undefined {
  const partitions = profile?.partitions ?? [];
  const rows = partitions.reduce((sum, part) => sum + part.rows, 0);
  const isRanged = partitions.some(({ bound }) => bound !== undefined && rangeOf(bound) !== null);
  if (profile === undefined || rows === 0 || !isRanged) return profile;
  const sumOf = (power: number) => partitions.reduce((sum, part) => sum + (part.rows / rows) ** power, 0);
  const keys = new Set(partitionRules(table).map(({ column }) => column));
  const byKey = (correlation: number) => Math.max(-1, 1 - (1 - correlation) / sumOf(3));
  const key = profile.columns.find(({ name }) => keys.has(name));
  const inOrder = Math.max(0, byKey(key?.correlation ?? 0));
  const kept = inOrder + (1 - inOrder) * sumOf(2);
  return {
    ...profile,
    columns: profile.columns.map((column) => {
      const { name, correlation } = column;
      if (correlation === null) return column;
      const none = unordered(column);
      const wanted = keys.has(name) ? byKey(correlation) : none + (correlation - none) / kept;
      return { ...column, correlation: Math.max(-1, Math.min(1, wanted)) };
    }),
  };
}

/** Equal values count as in order: what shares f of the rows have in common makes a correlation of sum(f^2). */
function unordered({ frequencies, distinct, nullFraction }: ColumnProfile): number {
  const present = Math.max(Number.EPSILON, 1 - nullFraction);
  const shares = frequencies.map((share) => share / present);
  const others = Math.max(0, 1 - shares.reduce((sum, share) => sum + share, 0));
  const rare = Math.max(1, (distinct ?? Number.POSITIVE_INFINITY) - shares.length);
  return shares.reduce((sum, share) => sum + share ** 2, 0) + others ** 2 / rare;
}
