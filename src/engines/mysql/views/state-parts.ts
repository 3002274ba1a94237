/** What the state of a table is made of (states.ts), and how two states of it differ in columns and indexes. Pure. */
import type { RelationStates } from '../../engine.ts';
import { AFTER_NAME } from './states.ts';

export type State = Readonly<Record<string, string | number | null>>;

/** Table, and the partition of it or an empty text, that a TABLE_ID belongs to. */
export interface IdPlace {
  readonly table: string;
  readonly partition: string;
}

/** TABLE_IDs, each with the name of its partition or an empty text. */
export function idsOf(state: State): ReadonlyMap<string, string> {
  return byName(state.ids, ' ');
}

export function placesOf(states: RelationStates): ReadonlyMap<string, IdPlace> {
  const places = new Map<string, IdPlace>();
  for (const [key, state] of states) {
    if (!key.startsWith('table ')) continue;
    for (const [id, partition] of idsOf(state))
      places.set(id, { table: key.slice('table '.length), partition });
  }
  return places;
}

export function columnsComeAndGone(before: State, after: State): number {
  const [old, now] = [columnsOf(before), columnsOf(after)];
  const without = (names: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>): number =>
    [...names.keys()].filter((name) => !others.has(name)).length;
  return without(old, now) + without(now, old);
}

/** `built`: an index was seen being built; where indexes have no numbers a new name may be another one's. */
export function indexChanges(
  { old: before, now: after }: { readonly old: State; readonly now: State },
  built: boolean,
): readonly string[] {
  const [old, now] = [byName(before.indexes, ' '), byName(after.indexes, ' ')];
  const numbered = after.indexesBy !== 'name';
  const details: string[] = [];
  for (const [id, name] of now) {
    const was = old.get(id);
    if (was === undefined) details.push(`index ${name} ${numbered || built ? 'built' : 'is there'}`);
    else if (was !== name) details.push(`index ${was} renamed to ${name}`);
  }
  const names = new Set(now.values());
  for (const [id, name] of old)
    if (!now.has(id) && !names.has(name)) details.push(`index ${name} ${numbered ? 'dropped' : 'gone'}`);
  return [...new Set(details)];
}

/** Names alone: of indexes whose numbers tell nothing. */
export function newIndexNames(before: State, after: State): readonly string[] {
  const old = new Set(byName(before.indexes, ' ').values());
  return [...new Set(byName(after.indexes, ' ').values())].filter((name) => !old.has(name));
}

export function columnsOf(state: State): ReadonlyMap<string, string> {
  return byName(state.columns, AFTER_NAME);
}

/** Lines of a first word and the rest. */
function byName(lines: string | number | null | undefined, separator: string): ReadonlyMap<string, string> {
  const found = String(lines ?? '')
    .split('\n')
    .filter((line) => line !== '');
  return new Map(
    found.map((line) => {
      const end = line.indexOf(separator);
      return [line.slice(0, end), line.slice(end + 1)];
    }),
  );
}
