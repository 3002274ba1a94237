/**
 * Metadata locks of a statement, without a race: other sessions hold its tables, so that it stops where it asks for a lock
 * that does not go together with theirs. At each stop the locks that it owns and the one that it asks for are read, then
 * the session in its way lets go. LOCK TABLES ... WRITE stops it at its first lock on a table, an open writer where it
 * shuts out writers, an open reader where it shuts out readers; sessions that queue behind it there tell whether it lets
 * them in again while it works.
 */
import type { Session } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { type Entrant, enter, HOLD, keepsOut } from './entrants.ts';
import { openWatch, type ProbedLock, type Stop, type Watch } from './lock-watch.ts';
import type { Twin } from './twin.ts';

export type Entered = 'let in' | 'kept out';

export interface TableLocks {
  /** All modes seen, granted or asked for. */
  readonly modes: ReadonlySet<string>;
  /** Of the first lock that it asked for; null when it never had to wait for one. */
  readonly first: string | null;
  /** What became of sessions that queued behind a lock of it that shuts them out; null when there was none. */
  readonly reader: Entered | null;
  readonly writer: Entered | null;
  /** It asked for EXCLUSIVE when its work was done: the moment at the end in which it swaps what it made. */
  readonly exclusiveAfterWork: boolean;
}

export interface HeldStatement {
  readonly tables: ReadonlyMap<string, TableLocks>;
  /** The first mode that an open reader, or an open writer, of any table was in the way of. */
  readonly behindReader: string | null;
  readonly behindWriter: string | null;
}

interface Round {
  readonly held: readonly string[];
  readonly hold: keyof typeof HOLD;
}

interface Seen {
  readonly modes: Map<string, Set<string>>;
  readonly first: Map<string, string>;
  readonly entered: Map<string, Entered>;
  readonly exclusiveAfterWork: Set<string>;
}

/**
 * Runs the statement on the twin, each time with its tables held otherwise. `made`: tables that it makes, whose names are
 * held too.
 */
export async function holdStatement(
  twin: Twin,
  statement: string,
  made: readonly string[],
): Promise<HeldStatement> {
  const seen: Seen = {
    modes: new Map(),
    first: new Map(),
    entered: new Map(),
    exclusiveAfterWork: new Set(),
  };
  const run = (held: readonly string[], hold: Round['hold']) =>
    runRound({ twin, statement: twin.retarget(statement), round: { held, hold }, seen });
  // One table at a time: LOCK TABLES reaches over foreign keys, and two of them would wait for each other.
  for (const table of twin.tables) await run([table], 'first lock');
  for (const table of made) await run([table], 'name');
  const writer = await run(twin.tables, 'writer');
  const reader = await run(twin.tables, 'reader');
  const tables = [...seen.modes].map(([name, modes]): [string, TableLocks] => [
    name,
    {
      modes,
      first: seen.first.get(name) ?? null,
      reader: seen.entered.get(`reader ${name}`) ?? null,
      writer: seen.entered.get(`writer ${name}`) ?? null,
      exclusiveAfterWork: seen.exclusiveAfterWork.has(name),
    },
  ]);
  return {
    tables: new Map(tables),
    behindReader: reader[0]?.mode ?? null,
    behindWriter: writer[0]?.mode ?? null,
  };
}

interface RoundRequest {
  readonly twin: Twin;
  readonly statement: string;
  readonly round: Round;
  readonly seen: Seen;
}

/** The locks it stopped at, in their order. */
async function runRound({ twin, statement, round, seen }: RoundRequest): Promise<readonly ProbedLock[]> {
  await twin.renew('few');
  await using sessions = new AsyncDisposableStack();
  const open = async () => sessions.use(await twin.open());
  const watch = openWatch(await open(), await open(), twin.database);
  twin.spoil();
  const holders = await hold(round, open, watch);
  const { end } = HOLD[round.hold];
  watch.start(statement);
  const released = new Set<string>();
  const stops: ProbedLock[] = [];
  const entrants: Entrant[] = [];
  for (;;) {
    // Who was answered before the look, while the statement waits at the look, was let in before it ended.
    let answered: readonly Entrant[] = [];
    const stop = await watch.stopped(
      ({ table }) => !released.has(table) || answered.some((entrant) => entrant.table === table),
      () => {
        answered = entrants.filter((entrant) => entrant.answered && !entrant.entered);
      },
    );
    note(seen, round, stop);
    if (stop.pending === null) break;
    for (const entrant of answered) {
      entrant.entered = true;
      await entrant.session.execute('rollback');
    }
    const { table, mode } = stop.pending;
    if (released.has(table)) continue;
    stops.push(stop.pending);
    if (mode === 'EXCLUSIVE' && (await watch.worked())) seen.exclusiveAfterWork.add(table);
    for (const kind of round.hold === 'first lock' || round.hold === 'name'
      ? []
      : (['reader', 'writer'] as const)) {
      if (!keepsOut(mode, kind)) continue;
      const entrant = await enter(await open(), table, kind);
      await watch.queued(entrant.session, table);
      entrants.push(entrant);
    }
    // LOCK TABLES, and on MariaDB a writer, hold the tables of foreign keys too.
    const owners = await watch.owners(table);
    for (const holder of holders) if (owners.includes(holder.id)) await holder.execute(end);
    released.add(table);
  }
  for (const { kind, table, entered } of entrants) {
    const key = `${kind} ${table}`;
    if (seen.entered.get(key) !== 'let in') seen.entered.set(key, entered ? 'let in' : 'kept out');
  }
  return stops;
}

/** Takes the tables, or the names, of the round. */
async function hold(round: Round, open: () => Promise<Session>, watch: Watch): Promise<readonly Session[]> {
  const holders: Session[] = [];
  for (const table of round.held) {
    const holder = await open();
    holders.push(holder);
    if (round.hold === 'name')
      await holder.execute(`create table ${dialect.quote(table)} (id int primary key)`);
    await holder.execute(HOLD[round.hold].begin(table));
    if (round.hold !== 'name') continue;
    // Its EXCLUSIVE lock, pending behind the holder, is in the way of every other lock on the name.
    const dropper = await open();
    dropper.execute(`drop table ${dialect.quote(table)}`).catch(() => undefined);
    await watch.queued(dropper, table);
  }
  return holders;
}

function note(seen: Seen, round: Round, { pending, granted }: Stop): void {
  for (const { table, mode } of pending === null ? granted : [...granted, pending]) {
    const modes = seen.modes.get(table) ?? new Set<string>();
    seen.modes.set(table, modes.add(mode));
  }
  if (
    pending === null ||
    (round.hold !== 'first lock' && round.hold !== 'name') ||
    !round.held.includes(pending.table)
  )
    return;
  if (!seen.first.has(pending.table)) seen.first.set(pending.table, pending.mode);
}
