/**
 * What a statement did to tables, from InnoDB's dictionary before and after it. Pure. A rebuilt table has another
 * TABLE_ID, a built index another INDEX_ID, an instant change one row version more; a copy and an in-place rebuild look
 * alike afterwards and are told apart by the stages that ran meanwhile (measuring-locks-and-disk.md, 3.2).
 */

import type { ObservedChange } from '../../../recording/recording.ts';
import { columnChanges } from '../../column-changes.ts';
import type { RelationStates } from '../../engine.ts';
import {
  columnsComeAndGone,
  columnsOf,
  type IdPlace,
  idsOf,
  indexChanges,
  newIndexNames,
  placesOf,
  type State,
} from './state-parts.ts';

type Change = Omit<ObservedChange, 'statementId'>;

/** Which algorithms were seen at work between the two states; null where the stages are not counted. */
interface Worked {
  readonly copies: number | null;
  readonly builds: number | null;
}

interface Readings {
  readonly before: RelationStates;
  readonly after: RelationStates;
  readonly worked: Worked;
  /** Where each TABLE_ID was, and is. */
  readonly was: ReadonlyMap<string, IdPlace>;
  readonly is: ReadonlyMap<string, IdPlace>;
}

const SOURCE = 'table and index ids of InnoDB';
const STAGE_SOURCE = `${SOURCE}; stages that ran meanwhile`;
const CATALOG = 'information_schema';
const PARTITIONS_ANEW = 'partitions made anew';
/** What happens to partitions, and leaves the others as they were. */
const OF_PARTITIONS = new Set(['catalog only', PARTITIONS_ANEW]);

/** What changed, table by table in the order of their names; no entry for what stayed as it was. */
export function compareRelationStates(before: RelationStates, after: RelationStates): readonly Change[] {
  const worked = workedBetween(before.get('stages'), after.get('stages'));
  const readings: Readings = { before, after, worked, was: placesOf(before), is: placesOf(after) };
  const names = [...new Set([...before.keys(), ...after.keys()])].filter((key) => key.startsWith('table '));
  return names.toSorted().flatMap((key) => {
    const name = key.slice('table '.length);
    const [old, now] = [before.get(key), after.get(key)];
    if (old !== undefined && now !== undefined) return changesOf(name, { old, now }, readings);
    if (now !== undefined) return appeared(name, now, readings);
    return old === undefined || isElsewhere(old, readings)
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

/** Under another name, or as a partition of another table. */
function isElsewhere(old: State, { after, is }: Readings): boolean {
  if (old.engine === 'InnoDB') return [...idsOf(old).keys()].some((id) => is.has(id));
  return [...after.values()].some((state) => isSameOther(state, old));
}

/** The same table of an engine that numbers none. */
function isSameOther(one: State, other: State): boolean {
  return (
    one.engine !== 'InnoDB' &&
    one.engine === other.engine &&
    one.made === other.made &&
    one.columns === other.columns
  );
}

/** Made, renamed, or left behind by a server that was killed in the middle of an ALTER. */
function appeared(name: string, now: State, { before, was, after }: Readings): readonly Change[] {
  const change = (algorithm: string, detail: string, more: Partial<Change> = {}): readonly Change[] => [
    { relation: name, algorithm, detail, source: SOURCE, ...more },
  ];
  if (name.startsWith('#sql')) return change('left behind', 'table of an ALTER that did not end');
  if (now.engine !== 'InnoDB') {
    const renamed = [...before].find(([key, state]) => isSameOther(state, now) && !after.has(key));
    return renamed === undefined
      ? change('catalog only', 'table created', { source: CATALOG })
      : change('instant', `renamed from ${renamed[0].slice('table '.length)}`, { source: CATALOG });
  }
  const from = [...idsOf(now).keys()].flatMap((id) => was.get(id) ?? [])[0];
  const old = from === undefined ? undefined : before.get(`table ${from.table}`);
  if (from === undefined || old === undefined) return change('catalog only', 'table created');
  if (from.partition !== '') return change('catalog only', `was ${inWords(from)}`);
  const details = [`renamed from ${from.table}`, ...columnChanges(columnsOf(old), columnsOf(now))];
  return change('instant', details.join('; '), rowVersions(old, now));
}

interface Compared {
  readonly old: State;
  readonly now: State;
}

function changesOf(relation: string, compared: Compared, readings: Readings): readonly Change[] {
  const { old, now } = compared;
  const { worked } = readings;
  const columns = columnChanges(columnsOf(old), columnsOf(now));
  if (old.engine !== now.engine || now.engine !== 'InnoDB') return ofOtherEngine(relation, compared, worked);
  if (old.ids !== now.ids) {
    const { algorithm, detail, source } = replacedBy(relation, compared, readings);
    const change = { relation, algorithm, detail: [detail, ...columns].join('; '), source };
    // Partitions that come bring indexes with numbers of their own: only a new name is one that was built.
    const names = OF_PARTITIONS.has(algorithm ?? '') ? newIndexNames(old, now) : [];
    const built = names.map((name) => `index ${name} built`).join('; ');
    return [
      { ...change, ...rowVersions(old, now) },
      ...(built === '' ? [] : [{ relation, algorithm: 'in place', detail: built, source: SOURCE }]),
    ];
  }
  const changes: Change[] = [];
  const counted = old.rowVersions !== now.rowVersions;
  if (counted || columns.length > 0) {
    const versions = counted
      ? `row version ${now.rowVersions} of at most ${now.rowVersionLimit}`
      : 'no row was written';
    // Where instant changes are counted, this was none that counts: in place or instant, the dictionary does not say.
    const algorithm = counted || (now.rowVersionLimit ?? null) === null ? 'instant' : 'catalog only';
    const detail = [...columns, versions].join('; ');
    changes.push({ relation, algorithm, detail, source: SOURCE, ...rowVersions(old, now) });
  }
  const indexes = indexChanges(compared, (worked.builds ?? 0) > 0);
  if (indexes.length > 0)
    changes.push({ relation, algorithm: 'in place', detail: indexes.join('; '), source: SOURCE });
  return changes;
}

/** A table that is, or was, none of InnoDB: an ALTER that does not copy it changes the catalog alone. */
function ofOtherEngine(relation: string, { old, now }: Compared, { copies }: Worked): readonly Change[] {
  const columns = columnChanges(columnsOf(old), columnsOf(now));
  const moved = old.engine !== now.engine;
  if (!moved && old.made === now.made && columns.length === 0) return [];
  const source = `${CATALOG}; stages that ran meanwhile`;
  const change = (algorithm: string, detail: string): readonly Change[] => [
    { relation, algorithm, detail: [detail, ...columns].join('; '), source },
  ];
  const engines = moved ? `from ${old.engine} to ${now.engine}` : `in ${now.engine}`;
  if (copies === null)
    return change('copy, or catalog only', `changed ${engines}: its stages were not counted`);
  if (copies > 0) return change('copy', `the rows were copied into a new table, ${engines}`);
  return moved || old.made !== now.made
    ? change('made anew', `the table was dropped and made anew, ${engines}`)
    : change('catalog only', 'no row was written');
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

type Found = Omit<Change, 'relation'>;

/** The table, or some partitions of it, have other numbers: exchanged, come, gone, or made anew. */
function replacedBy(relation: string, { old, now }: Compared, { worked, was, is }: Readings): Found {
  const [before, after] = [idsOf(old), idsOf(now)];
  const came = [...after].filter(([id]) => !before.has(id));
  const went = [...before].filter(([id]) => !after.has(id));
  const moved = came.filter(([id]) => was.has(id));
  const [fresh, lost] = [came.filter(([id]) => !was.has(id)), went.filter(([id]) => !is.has(id))];
  const details = [
    ...moved.map(([id, partition]) => movedInWords({ table: relation, partition }, was.get(id))),
    ...went.flatMap(([id, partition]) => {
      const to = is.get(id);
      const exchanged = moved.some(([, other]) => other === partition);
      return to === undefined || exchanged
        ? []
        : `${inWords({ table: relation, partition })} is now ${inWords(to)}`;
    }),
  ];
  if (fresh.length === 0 && lost.length === 0) {
    const renamed = moved.some(([id, partition]) => isWholeTable(partition, was.get(id)));
    return { algorithm: renamed ? 'instant' : 'catalog only', detail: details.join('; '), source: SOURCE };
  }
  const found = rebuildOf(now, worked);
  // What MySQL and MariaDB do to partitions runs through no stage of a copy or a build, but for a rebuild of all of them.
  const bothUnseen = worked.copies === 0 && worked.builds === 0;
  const partitions = partitionsInWords(fresh, lost, bothUnseen ? 'emptied, or written anew' : 'written anew');
  if (partitions === null) return { ...found, detail: [found.detail, ...details].join('; ') };
  const algorithm =
    fresh.length === 0 || (lost.length === 0 && bothUnseen)
      ? 'catalog only'
      : bothUnseen
        ? PARTITIONS_ANEW
        : found.algorithm;
  return { algorithm, detail: [partitions, ...details].join('; '), source: found.source };
}

function movedInWords(here: IdPlace, from: IdPlace | undefined): string {
  if (from === undefined) return '';
  if (isWholeTable(here.partition, from)) return `renamed from ${from.table}`;
  return `${inWords(here)} was ${inWords(from)}`;
}

function isWholeTable(partition: string, from: IdPlace | undefined): boolean {
  return partition === '' && from?.partition === '';
}

function inWords({ table, partition }: IdPlace): string {
  return partition === '' ? `table ${table}` : `partition ${partition} of ${table}`;
}

type Part = readonly [id: string, partition: string];

/** Null of a table that has none, or had none. */
function partitionsInWords(fresh: readonly Part[], lost: readonly Part[], same: string): string | null {
  if ([...fresh, ...lost].some(([, partition]) => partition === '')) return null;
  const [came, went] = [fresh.map(([, name]) => name), lost.map(([, name]) => name)];
  const list = (names: readonly string[]) =>
    `${names.length === 1 ? 'partition' : 'partitions'} ${names.join(', ')}`;
  const kept = came.filter((name) => went.includes(name));
  const [added, dropped] = [
    came.filter((name) => !kept.includes(name)),
    went.filter((name) => !kept.includes(name)),
  ];
  return [
    kept.length === 0 ? [] : `${list(kept)} ${same}`,
    added.length === 0 ? [] : `${list(added)} added`,
    dropped.length === 0 ? [] : `${list(dropped)} gone`,
  ]
    .flat()
    .join('; ');
}

function rebuildOf(now: State, { copies, builds }: Worked): Found {
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
