/**
 * What a statement does on MySQL or MariaDB, measured by running it on copies of the database: once with all rows, for its
 * algorithm, then with a few, held up by others, for its metadata locks, and on empty ones, for the clauses that the
 * server would take.
 */
import type { MetadataLocks, StatementEffects } from '../../../recording/recording.ts';
import type { Probe, Probing, Session } from '../../engine.ts';
import { connections } from '../connections/connections.ts';
import { type AskedClauses, askClauses } from './asking.ts';
import { untilNoDeadlock } from './deadlocks.ts';
import { keepsOut } from './entrants.ts';
import { type HeldStatement, holdStatement, type TableLocks } from './holding.ts';
import { type Ran, runOnce, switchOnForProbe } from './running.ts';
import { openTwin } from './twin.ts';

export const probing: Probing = {
  settings: {
    performance_schema: 'ON',
    sync_binlog: '0',
    innodb_flush_log_at_trx_commit: '0',
    innodb_doublewrite: 'OFF',
  },
  // A second server of half a gigabyte, and a few seconds for each statement.
  besideFilling: false,
  async open({ administrator, signal }): Promise<Probe> {
    const session = await connections.connect(administrator, { applicationName: 'rehearse probe' }, signal);
    await switchOnForProbe(session);
    return {
      execute: async (statement) => void (await session.execute(statement)),
      measure: (statement) => untilNoDeadlock(session, () => measure(session, statement, signal)),
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  },
};

async function measure(session: Session, statement: string, signal: AbortSignal): Promise<StatementEffects> {
  await using twin = await openTwin(session, `${session.target.database} twin`);
  const ran = await runOnce(twin, statement);
  signal.throwIfAborted();
  const locks = await holdStatement(twin, statement, ran.made);
  signal.throwIfAborted();
  const asked = await askClauses(twin, statement);
  const tables = [...locks.tables].filter(([name]) => twin.tables.includes(name));
  const worked = (table: string) => hasWorkedOn(ran, table);
  const names = (test: (locks: TableLocks, name: string) => boolean) =>
    tables
      .filter(([name, table]) => test(table, name))
      .map(([name]) => name)
      .toSorted();
  return {
    transactional: false,
    source: 'on copies of the tables, held up by readers, writers and table locks of ours',
    rewrites: ran.changes.rebuilt.toSorted(),
    blocks: {
      reads: names((table, name) => keepsReadersOut(table, worked(name))),
      selectsForUpdate: {
        notMeasured: 'only metadata locks are looked at, which it has in common with a write',
      },
      writes: names((table, name) => keepsWritersOut(table, worked(name))),
    },
    waitsFor: {
      idleReader: locks.behindReader !== null,
      // It has run to its end beside one.
      snapshotElsewhere: false,
      idleWriter: locks.behindWriter !== null,
    },
    details: detailsOf({ asked, ran, locks }, names((table) => table.modes.has('EXCLUSIVE')).length > 0),
  };
}

interface Measured {
  readonly asked: AskedClauses | null;
  readonly ran: Ran;
  readonly locks: HeldStatement;
}

function detailsOf({ asked, ran, locks }: Measured, exclusiveNeeded: boolean): MetadataLocks {
  return {
    kind: 'metadata locks',
    algorithms: asked?.algorithms ?? {},
    acceptedLocks: asked?.locks ?? {},
    algorithm: algorithmOf(asked, ran),
    exchanged: ran.changes.exchanged.toSorted(),
    newIndexes: ran.changes.newIndexes.toSorted(),
    rowVersions: ran.changes.rowVersions,
    affectedRows: ran.affectedRows,
    exclusiveNeeded,
    firstPending: locks.behindReader,
    modes: [...locks.tables]
      .flatMap(([name, { modes }]) => [...modes].map((mode) => `${name}:${mode}`))
      .toSorted(),
    stages: ran.stages,
  };
}

/** InnoDB's dictionary knows nothing of tables of other engines, of which rows alone tell. */
function hasWorkedOn({ changes: { workedOn }, affectedRows }: Ran, table: string): boolean {
  return workedOn.length > 0 ? workedOn.includes(table) : (affectedRows ?? 0) > 0;
}

/**
 * Readers wait while the statement works: from its first lock on, unless one got in between (OPTIMIZE TABLE lets go of its
 * first lock before it rebuilds), or because it lets nobody in again before it has done its work. The moment at its end in which it swaps what it made is not counted: every ALTER has it.
 */
function keepsReadersOut({ first, modes, reader, exclusiveAfterWork }: TableLocks, worked: boolean): boolean {
  if (first !== null && keepsOut(first, 'reader')) return reader !== 'let in';
  if (exclusiveAfterWork) return false;
  return worked && reader === 'kept out' && !workModes(modes).some((mode) => keepsOut(mode, 'writer'));
}

/** A copy is made before EXCLUSIVE is asked for, under a lock that keeps out writers. */
function workModes(modes: ReadonlySet<string>): readonly string[] {
  return [...modes].filter((mode) => mode !== 'EXCLUSIVE');
}

function keepsWritersOut(table: TableLocks, worked: boolean): boolean {
  if (keepsReadersOut(table, worked)) return true;
  if (table.writer === 'let in') return false;
  return table.reader === 'let in' || workModes(table.modes).some((mode) => keepsOut(mode, 'writer'));
}

/** Stages of InnoDB's own ALTER; a copy has none of them. */
const IN_PLACE = 'innodb/alter table';

/**
 * The cheapest algorithm that the server takes is the one it uses, as long as what was seen at work agrees. A statement
 * that takes no clause (OPTIMIZE TABLE), or none in earnest (EXCHANGE PARTITION), tells by its work alone.
 */
function algorithmOf(asked: AskedClauses | null, { affectedRows, stages, changes }: Ran): string | null {
  const remade = changes.rebuilt.length > 0 || changes.replaced.length > 0;
  const copied = stages.includes('sql/copy to tmp table') || (remade && (affectedRows ?? 0) > 0);
  if (asked === null || asked.ignored) {
    if (copied) return 'COPY';
    return remade && stages.some((stage) => stage.startsWith(IN_PLACE)) ? 'INPLACE' : null;
  }
  const built = changes.workedOn.length > 0;
  const fits = (name: string) =>
    copied ? name === 'COPY' : name !== 'COPY' && !(name === 'INSTANT' && built);
  const taken = Object.entries(asked.algorithms).find(([name, answer]) => answer === true && fits(name));
  return taken?.[0] ?? null;
}
