/** Tables and indexes before and after the migrations, held against each other. Pure. */
import type { DiskReader } from '../engines/engine.ts';
import type { RelationDisk } from '../recording/recording.ts';

export type Relations = Awaited<ReturnType<DiskReader['relations']>>;

/**
 * A relation that got another name meanwhile is one, under the name that it has; so are two of one name of which the one took
 * the place of the other.
 */
export function compareRelations(before: Relations | null, after: Relations | null): readonly RelationDisk[] {
  if (before === null || after === null) return [];
  const names = new Map(after.flatMap(({ id, relation }) => (id === undefined ? [] : [[id, relation]])));
  const found = new Map<string, { -readonly [Key in keyof RelationDisk]: RelationDisk[Key] }>();
  const entryOf = ({ relation, kind, id = '' }: Relations[number]) => {
    const name = names.get(id) ?? relation;
    const entry = found.get(`${kind} ${name}`) ?? { relation: name, kind, beforeBytes: 0, afterBytes: 0 };
    found.set(`${kind} ${name}`, entry);
    return entry;
  };
  for (const each of before) entryOf(each).beforeBytes += each.bytes;
  for (const each of after) entryOf(each).afterBytes += each.bytes;
  return [...found.values()];
}
