/** What each statement does, as a small copy showed it. Texts are not yet escaped. */
import type {
  BlockedUses,
  HeldUp,
  Learned,
  MetadataLocks,
  ProbeRecord,
  Recording,
  RelationLocks,
  StatementEffects,
} from '../recording/recording.ts';
import { counted } from './format.ts';
import type { Table } from './tables.ts';

const NAMES_SHOWN = 4;

export function effectsTable({ statements, rowsPerTable }: ProbeRecord): Table {
  return {
    title: 'What each statement does',
    head: ['statement', 'what it does'],
    rows: statements.flatMap(({ file, line, text, effects }) =>
      partsOf(effects).map((part, index) => [index === 0 ? `${file}:${line} ${text}` : '', part]),
    ),
    numeric: [],
    note:
      `Learned on a small copy (server role probe) with up to ${rowsPerTable} rows per table and no load: what is locked, ` +
      'rewritten and kept waiting, not for how long.',
  };
}

/** "takes ACCESS EXCLUSIVE on orders", "rewrites orders", "blocks reads and writes of orders". */
function partsOf(effects: Learned<StatementEffects>): readonly string[] {
  if ('notMeasured' in effects) return ['not measured'];
  const { details, rewrites, blocks, waitsFor, transactional } = effects;
  const parts = [
    ...(details.kind === 'relation locks' ? relationLocks(details) : metadataLocks(details)),
    ...(rewrites.length === 0 ? [] : [`rewrites ${names(rewrites)}`]),
    ...(details.kind === 'relation locks' ? filesAndScans(details) : []),
    ...blocksInWords(blocks),
    ...(details.kind === 'relation locks' && !transactional ? ['cannot run in a transaction'] : []),
    ...heldUpInWords(waitsFor),
  ];
  return parts.length === 0 ? ['takes no lock on a relation'] : parts;
}

/** What of the small copy could not be measured. */
export function effectGaps(probe: Recording['probe']): readonly string[] {
  if (probe === undefined) return [];
  if ('notMeasured' in probe) return [`what the statements do: ${probe.notMeasured}`];
  return probe.statements.flatMap(({ file, line, effects }) =>
    'notMeasured' in effects ? [`what ${file}:${line} does: ${effects.notMeasured}`] : [],
  );
}

function relationLocks({ locks }: RelationLocks): readonly string[] {
  const byMode = new Map<string, string[]>();
  for (const { relation, modes } of locks) {
    const mode = spelled(modes[0] ?? '');
    const relations = byMode.get(mode);
    if (relations === undefined) byMode.set(mode, [relation]);
    else relations.push(relation);
  }
  return [...byMode]
    .toSorted(([one], [other]) => weight(other) - weight(one))
    .map(([mode, relations]) => `takes ${mode} on ${names(relations)}`);
}

/** Weakest first: as the manual of Postgres orders them. */
const MODES = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
];

function weight(mode: string): number {
  return MODES.indexOf(mode);
}

/** "AccessExclusiveLock" as SQL has it. */
function spelled(mode: string): string {
  return mode
    .replace(/Lock$/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase();
}

function metadataLocks({ algorithm, modes }: MetadataLocks): readonly string[] {
  return [
    ...(algorithm === null ? [] : [`algorithm ${algorithm}`]),
    ...(modes.length === 0 ? [] : [`takes ${modes.join(', ')}`]),
  ];
}

function filesAndScans({ scans, rebuiltIndexes }: RelationLocks): readonly string[] {
  return [
    ...(scans.length === 0 ? [] : [`reads all of ${names(scans)}`]),
    ...(rebuiltIndexes.length === 0 ? [] : [`rebuilds ${names(rebuiltIndexes)}`]),
  ];
}

/** Uses that are blocked on the same relations are told together. */
function blocksInWords({ reads, selectsForUpdate, writes }: BlockedUses): readonly string[] {
  const uses: readonly (readonly [string, Learned<readonly string[]>])[] = [
    ['reads', reads],
    ['SELECT FOR UPDATE', selectsForUpdate],
    ['writes', writes],
  ];
  const byRelations = new Map<string, string[]>();
  const unknown: string[] = [];
  for (const [use, relations] of uses) {
    if ('notMeasured' in relations) unknown.push(use);
    else if (relations.length > 0) {
      const key = names(relations);
      byRelations.set(key, [...(byRelations.get(key) ?? []), use]);
    }
  }
  return [
    ...[...byRelations].map(([relations, blocked]) => `blocks ${listed(shortest(blocked))} of ${relations}`),
    ...(unknown.length === 0 ? [] : [`whether it blocks ${listed(unknown)} is not measured`]),
  ];
}

/** Who cannot read a table cannot lock its rows either. */
function shortest(uses: readonly string[]): readonly string[] {
  return uses.includes('reads') ? uses.filter((use) => use !== 'SELECT FOR UPDATE') : uses;
}

function heldUpInWords(waitsFor: Learned<HeldUp> | null): readonly string[] {
  if (waitsFor === null) return [];
  if ('notMeasured' in waitsFor) return ['what it waits for is not measured'];
  const { idleReader, snapshotElsewhere, idleWriter } = waitsFor;
  const held = [
    ...(idleReader ? ['have read its tables'] : []),
    ...(idleWriter ? ['have written to its tables'] : []),
    ...(snapshotElsewhere ? ['hold any snapshot'] : []),
  ];
  return held.length === 0 ? [] : [`waits for transactions that ${listed(held, 'or')}`];
}

function names(relations: readonly string[]): string {
  if (relations.length <= NAMES_SHOWN) return relations.join(', ');
  const more = counted(relations.length - NAMES_SHOWN, 'other');
  return `${relations.slice(0, NAMES_SHOWN).join(', ')} and ${more}`;
}

function listed(words: readonly string[], last = 'and'): string {
  const rest = words.slice(0, -1);
  return rest.length === 0 ? (words[0] ?? '') : `${rest.join(', ')} ${last} ${words.at(-1)}`;
}
