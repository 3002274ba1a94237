/** Scripts that make lock waits of a known length, and hold what the observers recorded against it. */
import type { Session } from '../../src/engines/engine.ts';
import { startObservers } from '../../src/observers/index.ts';
import { type Figure, isMeasured } from '../../src/recording/figure.ts';
import type { Recorder } from '../../src/recording/recorder.ts';
import type { LockWait, Recording } from '../../src/recording/recording.ts';
import { bareRecorder } from '../../tests/recorder.ts';
import type { TestServer } from '../../tests/server.ts';
import { runStep } from './step.ts';

export interface Script extends AsyncDisposable {
  readonly server: TestServer;
  readonly migrator: Session;
  readonly holder: Session;
  readonly load: readonly Session[];
  /** Sees from outside that a session waits. */
  readonly witness: Session;
}

/** Operations that stand behind the ALTER in a convoy. */
const CONVOY = 20;
/** MySQL and MariaDB take whole seconds. */
const GIVE_UP_MS = { postgres: 300, mysql: 1000 };
/** The locks are read every 20 ms: what is as short as that may be over before they were. */
const SEEN_MS = 40;
const SEEN_LIMIT_MS = 10_000;
const CONVOY_MS = 300;

/** Opens the sessions and makes the table. */
export async function script(server: TestServer): Promise<Script> {
  const sessions: Session[] = [];
  const open = async (role: Parameters<TestServer['connect']>[0]): Promise<Session> => {
    const session = await server.connect(role);
    sessions.push(session);
    return session;
  };
  const migrator = await open('migrator');
  await migrator.execute('create table orders (id bigint primary key, total int)');
  await migrator.execute('insert into orders values (1, 1), (2, 2), (3, 3)');
  return {
    server,
    migrator,
    holder: await open('drill'),
    witness: await open('administrator'),
    load: await Promise.all(Array.from({ length: CONVOY }, () => open('load'))),
    async [Symbol.asyncDispose]() {
      for (const session of sessions) await session[Symbol.asyncDispose]();
    },
  };
}

/** The lengths of the goal. */
const HELD_MS = { postgres: [30, 200, 1500], mysql: [20, 300, 1200] };

type Wait = (on: Script) => Promise<readonly string[]>;

/** Each makes its wait once and gives what was told wrongly of it; nothing: all was true. */
export function waitsFor(on: Script): Readonly<Record<string, Wait>> {
  const heldMs = isMysql(on) ? HELD_MS.mysql : HELD_MS.postgres;
  const behind = (what: string, who: 'load' | 'migration') =>
    heldMs.map((held): [string, Wait] => [
      `${what} behind a table lock of ${held} ms`,
      (script) => behindLock(script, { heldMs: held, who }),
    ]);
  return {
    ...Object.fromEntries([...behind('a read', 'load'), ...behind('an ALTER', 'migration')]),
    'an ALTER that gives up': givesUp,
    [`a convoy: a reader of ${CONVOY_MS} ms, an ALTER, ${CONVOY} operations`]: convoy,
  };
}

/** A read and an ALTER alike ask for their first lock at once, and this lock is in the way of that. */
async function behindLock(
  on: Script,
  { heldMs, who }: { readonly heldMs: number; readonly who: 'load' | 'migration' },
): Promise<readonly string[]> {
  const { holder, migrator, load } = on;
  const [reader] = load;
  if (reader === undefined) throw new Error('no session');
  const waiter = who === 'load' ? reader : migrator;
  const [lock, unlock] = isMysql(on)
    ? ['lock tables orders write', 'unlock tables']
    : ['lock table orders in access exclusive mode', 'commit'];
  const made = await observed(on, async (recorder) => {
    if (!isMysql(on)) await holder.execute('begin');
    await holder.execute(lock);
    const sentMs = performance.now();
    const waited = who === 'load' ? reader.query(READ) : runStep(on.migrator, ALTER, recorder);
    await seenWaiting(on, [waiter]);
    const seenMs = performance.now();
    await until(sentMs + heldMs);
    const releasingMs = performance.now();
    const released = holder.execute(unlock);
    await waited;
    const doneMs = performance.now();
    await released;
    return { atLeastMs: releasingMs - seenMs, atMostMs: doneMs - sentMs };
  });
  return faultsOf(on, waitsOf(made, waiter), {
    ...made,
    // One that was over before the locks were read has none.
    blockers: heldMs < SEEN_MS ? null : [holder],
    ended: 'granted',
  });
}

function isMysql({ server }: Script): boolean {
  return server.engine.name === 'mysql';
}

function until(atMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, atMs - performance.now()));
}

async function givesUp(on: Script): Promise<readonly string[]> {
  const { migrator, holder } = on;
  const limitMs = isMysql(on) ? GIVE_UP_MS.mysql : GIVE_UP_MS.postgres;
  const limit = isMysql(on) ? `lock_wait_timeout = ${limitMs / 1000}` : `lock_timeout = '${limitMs}ms'`;
  await migrator.execute(`set session ${limit}`);
  const made = await observed(on, async (recorder) => {
    await holder.execute('begin');
    await holder.query('select 1 from orders limit 1');
    const sentMs = performance.now();
    const failed = await runStep(on.migrator, ALTER, recorder).then(
      () => false,
      () => true,
    );
    if (!failed) throw new Error('the ALTER did not give up');
    const waitedMs = performance.now() - sentMs;
    await holder.execute('commit');
    return { atLeastMs: limitMs, atMostMs: waitedMs };
  });
  await migrator.execute(isMysql(on) ? 'set session lock_wait_timeout = 86400' : 'reset lock_timeout');
  return faultsOf(on, waitsOf(made, migrator), {
    ...made,
    blockers: [holder],
    ended: 'lock timeout',
  });
}

async function convoy(on: Script): Promise<readonly string[]> {
  const { migrator, holder, load } = on;
  const made = await observed(on, async (recorder) => {
    await holder.execute('begin');
    await holder.query('select 1 from orders limit 1');
    const sentMs = performance.now();
    const alter = timed(runStep(migrator, ALTER, recorder));
    await seenWaiting(on, [migrator]);
    const seenMs = performance.now();
    const behind = load.map((session) => timed(session.query(READ)));
    await seenWaiting(on, load);
    const behindSeenMs = performance.now();
    await until(sentMs + CONVOY_MS);
    const releasingMs = performance.now();
    await holder.execute('commit');
    return {
      atLeastMs: releasingMs - seenMs,
      atMostMs: await alter,
      behindAtLeastMs: releasingMs - behindSeenMs,
      behindAtMostMs: await Promise.all(behind),
    };
  });
  const faults = load.flatMap((session, index) =>
    faultsOf(on, waitsOf(made, session), {
      atLeastMs: made.behindAtLeastMs,
      // The ALTER has its work to do first.
      atMostMs: made.behindAtMostMs[index] ?? Number.NaN,
      blockers: [holder, migrator],
      ended: 'granted',
    }),
  );
  const waiters = new Set(made.recording.lockWaits.map(({ waiter }) => waiter.sessionId));
  if (waiters.size !== CONVOY + 1) faults.push(`${waiters.size} waiters told, ${CONVOY + 1} were there`);
  return [
    ...faults,
    ...faultsOf(on, waitsOf(made, migrator), { ...made, blockers: [holder], ended: 'granted' }),
  ];
}

/** Instant on MySQL and MariaDB, no more than the catalog on Postgres: it waits once. */
const ALTER = 'alter table orders alter column total set default 1';
const READ = 'select total from orders limit 1';

/** From now to its end. */
async function timed(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work;
  return performance.now() - startedMs;
}

/** Until all of them wait: from then on they did so for certain, however long it took them to get there. */
async function seenWaiting(on: Script, sessions: readonly Session[]): Promise<void> {
  const ids = sessions.map(({ id }) => id).join(', ');
  const waiting = isMysql(on)
    ? `select id from information_schema.processlist where id in (${ids}) and state = 'Waiting for table metadata lock'`
    : `select distinct pid from pg_locks where pid in (${ids}) and not granted`;
  const limitAtMs = performance.now() + SEEN_LIMIT_MS;
  while ((await on.witness.query(waiting)).length < sessions.length)
    if (performance.now() > limitAtMs) throw new Error(`not all of ${ids} wait`);
}

interface Expected {
  readonly atLeastMs: number;
  readonly atMostMs: number;
  /** Root first; null: not asked for. */
  readonly blockers: readonly Session[] | null;
  readonly ended: LockWait['ended'];
}

/** Postgres tells the start of a wait (pg_locks.waitstart) from 14 on; before, bounds that are wider must contain what was made. */
function startsAreRead({ spec }: TestServer): boolean {
  return spec.flavor !== 'postgres' || Number(spec.version) >= 14;
}

function waitsOf({ recording }: { readonly recording: Recording }, session: Session): readonly LockWait[] {
  return recording.lockWaits.filter(({ waiter }) => waiter.sessionId === session.id);
}

function faultsOf({ server }: Script, waits: readonly LockWait[], expected: Expected): string[] {
  const [wait] = waits;
  if (wait === undefined || waits.length > 1)
    return [`${waits.length} waits told in place of one: ${waits.map(describeWait).join('; ')}`];
  const faults: string[] = [];
  const { atLeastMs, atMostMs } = expected;
  const allowedMs = Math.max(5, atMostMs * 0.02);
  const { waitedMs } = wait;
  if (!isMeasured(waitedMs)) faults.push(`not measured: ${waitedMs.notMeasured}`);
  else if (
    (waitedMs.lower < atLeastMs - allowedMs || waitedMs.upper > atMostMs + allowedMs) &&
    (startsAreRead(server) || waitedMs.lower > atMostMs || waitedMs.upper < atLeastMs)
  )
    faults.push(
      `${inWords(waitedMs)} told${wait.toldMs === undefined ? '' : `, contradicted: ${inWords(wait.toldMs)}`}, ` +
        `${atLeastMs.toFixed(1)} to ${atMostMs.toFixed(1)} ms made`,
    );
  const chain = wait.blockers.map(({ sessionId }) => sessionId);
  const wanted = expected.blockers?.map(({ id }) => id) ?? null;
  if (wanted === null) return faults;
  if (chain.join(' ') !== wanted.join(' '))
    faults.push(`blockers [${chain}] told, [${wanted}] were there (${wait.mode})`);
  if (wait.ended !== expected.ended) faults.push(`ended "${wait.ended}" told, "${expected.ended}" it was`);
  return faults;
}

function describeWait({ target, relation, mode, waitedMs, startedAtMs, blockers, ended }: LockWait): string {
  const chain = blockers.map(({ sessionId, owner }) => `${owner} ${sessionId}`).join(' > ');
  return `${target} ${relation} ${mode} at ${startedAtMs.toFixed(1)} for ${inWords(waitedMs)} behind [${chain}], ${ended}`;
}

function inWords(figure: Figure): string {
  if (!isMeasured(figure)) return figure.notMeasured;
  return `${figure.lower.toFixed(1)} to ${figure.upper.toFixed(1)} ms (${figure.source})`;
}

/** Runs something under observation. */
async function observed<Made extends object>(
  { server }: Script,
  work: (recorder: Recorder) => Promise<Made>,
): Promise<Made & { readonly recording: Recording }> {
  const recorder = bareRecorder('waits');
  const observers = await startObservers({ ...server, recorder });
  try {
    const made = await work(recorder);
    await observers[Symbol.asyncDispose]();
    return { ...made, recording: recorder.recording({ how: 'completed' }) };
  } finally {
    await observers[Symbol.asyncDispose]();
  }
}
