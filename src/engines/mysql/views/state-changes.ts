/**
 * What a statement did to tables, from InnoDB's dictionary before and after it. Pure. A rebuilt table has another
 * TABLE_ID, a built index another INDEX_ID, an instant change one row version more; a copy and an in-place rebuild look
 * alike afterwards and are told apart by the stages that ran meanwhile (measuring-locks-and-disk.md, 3.2).
 */
import type { ObservedChange } from '../../../recording/recording.ts';
import type { RelationStates } from '../../engine.ts';

type State = Readonly<Record<string, string | number | null>>;
type Change = Omit<ObservedChange, 'statementId'>;

/** Which algorithms were seen at work between the two states; null where the stages are not counted. */
interface Worked {
  readonly copies: number | null;
  readonly builds: number | null;
}

const SOURCE = 'table and index ids of InnoDB';

/** What changed, table by table in the order of their names; no entry for what stayed as it was. */
export function compareRelationStates(before: RelationStates, after: RelationStates): readonly Change[] {
  const worked = workedBetween(before.get('stages'), after.get('stages'));
  const names = [...new Set([...before.keys(), ...after.keys()])].filter((key) => key.startsWith('table '));
  return names.toSorted().flatMap((key) => {
    const name = key.slice('table '.length);
    const [old, now] = [before.get(key), after.get(key)];
    if (old !== undefined && now !== undefined) return changesOf(name, { old, now, worked });
    if (now !== undefined) return appeared(name, now, before, after);
    return old === undefined || renamedTo(old, before, after) !== null
      ? []
      : [{ relation: name, algorithm: 'catalog only', detail: 'table dropped', source: SOURCE }];
  });
}

function workedBetween(before: State | undefined, after: State | undefined): Worked {
  const grown = (name: 'copies' | 'builds'): number | null => {
    const [old, now] = [before?.[name] ?? null, after?.[name] ?? null];
    return old === null || now === null ? null : Number(now) - Number(old);
  };
  return { copies: grown('copies'), builds: grown('builds') };
}

/** Made, renamed, or left behind by a server that was killed in the middle of an ALTER. */
function appeared(
  name: string,
  now: State,
  before: RelationStates,
  after: RelationStates,
): readonly Change[] {
  const change = (algorithm: string, detail: string): readonly Change[] => [
    { relation: name, algorithm, detail, source: SOURCE },
  ];
  if (name.startsWith('#sql')) return change('left behind', 'table of an ALTER that did not end');
  const was = [...before].find(
    ([key, state]) => key.startsWith('table ') && state.ids === now.ids && !after.has(key),
  );
  if (was !== undefined) return change('instant', `renamed from ${was[0].slice('table '.length)}`);
  return change('catalog only', 'table created');
}

function renamedTo(old: State, before: RelationStates, after: RelationStates): string | null {
  const found = [...after].find(
    ([key, state]) => key.startsWith('table ') && state.ids === old.ids && !before.has(key),
  );
  return found?.[0] ?? null;
}

interface Compared {
  readonly old: State;
  readonly now: State;
  readonly worked: Worked;
}

function changesOf(relation: string, { old, now, worked }: Compared): readonly Change[] {
  const columns = columnChanges(old, now);
  if (old.ids !== now.ids) {
    const { algorithm, detail, source } = rebuildOf(now, worked);
    return [
      { relation, algorithm, detail: [detail, ...columns].join('; '), source, ...rowVersions(old, now) },
    ];
  }
  const changes: Change[] = [];
  const instant = old.rowVersions !== now.rowVersions;
  if (instant || columns.length > 0) {
    const versions = instant
      ? `row version ${now.rowVersions} of at most ${now.rowVersionLimit}`
      : 'no row was written';
    const detail = [...columns, versions].join('; ');
    changes.push({ relation, algorithm: 'instant', detail, source: SOURCE, ...rowVersions(old, now) });
  }
  const indexes = indexChanges(old, now);
  if (indexes.length > 0)
    changes.push({ relation, algorithm: 'in place', detail: indexes.join('; '), source: SOURCE });
  return changes;
}

/** For the check that warns near the limit. */
function rowVersions(old: State, now: State): Pick<Change, 'rowVersions'> {
  const limit = now.rowVersionLimit ?? null;
  if (limit === null || now.rowVersions === null) return {};
  return {
    rowVersions: {
      before: Number(old.rowVersions ?? 0),
      after: Number(now.rowVersions ?? 0),
      limit: Number(limit),
      columns: columnsComeAndGone(old, now),
    },
  };
}

const STAGE_SOURCE = `${SOURCE}; stages that ran meanwhile`;

function rebuildOf(now: State, { copies, builds }: Worked): Omit<Change, 'relation'> {
  const change = (algorithm: string, detail: string, source = STAGE_SOURCE) => ({
    algorithm,
    detail,
    source,
  });
  if (copies === null || builds === null)
    return change(
      'rebuild (in place or copy)',
      'the table is another one: its stages were not counted',
      SOURCE,
    );
  if (copies > 0 && builds === 0) return change('copy', 'the rows were copied into a new table');
  if (copies === 0 && builds > 0) return change('in place with rebuild', 'the table was rebuilt by InnoDB');
  if (copies === 0) {
    return Number(now.rows) === 0
      ? change('new empty table', 'the table was emptied or made anew')
      : change('made anew', 'the table was dropped and made anew');
  }
  return change('rebuild (in place or copy)', 'statements of both kinds ran meanwhile');
}

/** Columns added, dropped and changed, in words; a renamed one cannot be told from one dropped and one added. */
function columnChanges(before: State, after: State): readonly string[] {
  const [old, now] = [byName(before.columns, ' '), byName(after.columns, ' ')];
  const details: string[] = [];
  for (const [name, type] of now) {
    const was = old.get(name);
    if (was === undefined) details.push(`column ${name} added (${type})`);
    else if (was !== type) details.push(`column ${name} changed from ${was} to ${type}`);
  }
  for (const name of old.keys()) if (!now.has(name)) details.push(`column ${name} gone`);
  return details;
}

function columnsComeAndGone(before: State, after: State): number {
  const [old, now] = [byName(before.columns, ' '), byName(after.columns, ' ')];
  const without = (names: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>): number =>
    [...names.keys()].filter((name) => !others.has(name)).length;
  return without(old, now) + without(now, old);
}

function indexChanges(before: State, after: State): readonly string[] {
  const idsOf = (state: State) => new Map([...byName(state.indexes, ' ')]);
  const [old, now] = [idsOf(before), idsOf(after)];
  const details: string[] = [];
  for (const [id, name] of now) {
    const was = old.get(id);
    if (was === undefined) details.push(`index ${name} built`);
    else if (was !== name) details.push(`index ${was} renamed to ${name}`);
  }
  const names = new Set(now.values());
  for (const [id, name] of old) if (!now.has(id) && !names.has(name)) details.push(`index ${name} dropped`);
  return details;
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
