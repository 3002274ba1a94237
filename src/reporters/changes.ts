/** What a statement did to its relations, in a word each. Not yet escaped. */
import type { ObservedChange } from '../recording/recording.ts';

/** "instant, row versions 3 to 4 of 255"; nothing for a change whose algorithm could not be seen. */
export function changeInWords({ algorithm, rowVersions }: ObservedChange): readonly string[] {
  if (algorithm === null) return [];
  if (rowVersions === undefined || rowVersions.before === rowVersions.after) return [algorithm];
  const { before, after, limit } = rowVersions;
  return [algorithm, `row versions ${before} to ${after} of ${limit}`];
}
