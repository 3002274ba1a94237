/** What a line of the log says that a lock is on; pure. DescribeLockTag in src/backend/storage/lmgr/lmgr.c. */

/** In the words of the lock reader for the same targets. */
const TARGETS: readonly (readonly [RegExp, string])[] = [
  [/^relation /, 'relation'],
  [/^extension of relation /, 'extension of a relation'],
  [/^page /, 'page'],
  [/^tuple /, 'tuple'],
  [/^transaction /, 'transaction'],
  [/^virtual transaction /, 'virtual transaction'],
  [/^speculative token /, 'speculative insertion'],
  [/^object /, 'object'],
  [/^user lock |^advisory lock /, 'advisory lock'],
];

/** "relation", "tuple"; what is not known stays as it is. */
export function targetOf(on: string): string {
  return TARGETS.find(([pattern]) => pattern.test(on))?.[1] ?? on;
}

/** The relation that it is on, or a part of it; null for what belongs to none. */
export function relationIn(
  on: string,
): { readonly relationOid: number; readonly databaseOid: number } | null {
  const found = /relation (\d+) of database (\d+)/.exec(on);
  return found === null ? null : { relationOid: Number(found[1]), databaseOid: Number(found[2]) };
}
