/**
 * The drills of a plan. Each has a session of its own, opened before its time so that connecting costs it nothing, and
 * in this order:
 *
 *  1. it waits for its instant, counted from the opening of the migration window
 *  2. it begins a transaction and reads its table: from the answer on it holds the lock
 *  3. it holds on for its time
 *  4. it commits; the instant of the answer is the end that longest waits are held against
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine, RoleTargets, Session, TableDescription } from '../engines/engine.ts';
import { explain, UsageError } from '../errors.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { DrillPlan } from '../scenario/plan.ts';
import type { Drill, HeldTransaction } from './drill.ts';
import { idleInTransaction } from './idle-in-transaction.ts';
import { longReader } from './long-reader.ts';

const DRILLS: readonly Drill[] = [longReader, idleInTransaction];

export interface DrillsRequest {
  readonly plan: { readonly drills: readonly DrillPlan[] };
  readonly engine: Engine;
  readonly roles: RoleTargets;
  readonly recorder: Recorder;
  /** Tables that the drills may name. */
  readonly tables: readonly TableDescription[];
  /** From now to the opening of the migration window, from which the times of the drills count. */
  readonly windowOpensInMs: number;
}

export interface RunningDrills extends AsyncDisposable {
  /** When all have ended; rejects with the signal's reason when they were interrupted. */
  finished(): Promise<void>;
}

/** Starts the clock of every drill; UsageError for a table that is not there. */
export async function drillsStarted(request: DrillsRequest, signal: AbortSignal): Promise<RunningDrills> {
  const prepared = request.plan.drills.map((plan) => ({
    plan,
    drill: drillOf(plan),
    table: tableOf(plan, request.tables),
  }));
  const windowAtMs = request.recorder.now() + request.windowOpensInMs;
  const stopped = new AbortController();
  const stop = AbortSignal.any([signal, stopped.signal]);
  const opened: OpenDrill[] = [];
  try {
    for (const each of prepared)
      opened.push({ ...each, session: await openSession(request, each.plan, signal) });
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
  const running = Promise.all(
    opened.map((each) => runDrill(each, { request, beginAtMs: windowAtMs + each.plan.atMs, stop })),
  );
  return {
    async finished() {
      await running;
      signal.throwIfAborted();
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await running;
      await closeAll(opened);
    },
  };
}

interface OpenDrill {
  readonly plan: DrillPlan;
  readonly drill: Drill;
  readonly table: TableDescription;
  readonly session: Session;
}

interface Schedule {
  readonly request: DrillsRequest;
  readonly beginAtMs: number;
  readonly stop: AbortSignal;
}

function drillOf({ kind }: DrillPlan): Drill {
  const drill = DRILLS.find((each) => each.kind === kind);
  if (drill === undefined) throw new Error(`no drill of the kind "${kind}"`);
  return drill;
}

/** Before an hour of filling rather than after it: UsageError for a drill of a table that is not there. */
export function refuseUnknownTables(drills: readonly DrillPlan[], tables: readonly TableDescription[]): void {
  for (const drill of drills) tableOf(drill, tables);
}

function tableOf({ kind, table }: DrillPlan, tables: readonly TableDescription[]): TableDescription {
  const found = tables.find(({ name, parts }) => name === table || parts.join('.') === table);
  if (found !== undefined) return found;
  const names = tables.map(({ name }) => name).join(', ');
  throw new UsageError(
    `drills: ${kind} names the table "${table}", which the schema does not have. ` +
      (names === '' ? 'There are no tables.' : `There are: ${names}.`),
  );
}

function openSession(
  { engine, roles }: DrillsRequest,
  { kind }: DrillPlan,
  signal: AbortSignal,
): Promise<Session> {
  return engine.connections.connect(roles.drill, { applicationName: `rehearse drill ${kind}` }, signal);
}

async function closeAll(opened: readonly OpenDrill[]): Promise<void> {
  await Promise.all(opened.map(({ session }) => session[Symbol.asyncDispose]()));
}

/** Never rejects: a drill that fails (its session was killed, its read was refused) is a fact of the rehearsal. */
async function runDrill(open: OpenDrill, { request, beginAtMs, stop }: Schedule): Promise<void> {
  const { plan, drill, session, table } = open;
  const { recorder, engine } = request;
  await sleepUntil(beginAtMs, recorder, stop);
  if (stop.aborted) return;
  const endAtMs = beginAtMs + plan.forMs;
  const transaction: HeldTransaction = {
    session,
    dialect: engine.dialect,
    table,
    async goOn(pauseMs) {
      await sleepUntil(Math.min(endAtMs, recorder.now() + pauseMs), recorder, stop);
      return !stop.aborted && recorder.now() < endAtMs;
    },
  };
  let startedAtMs = recorder.now();
  // An interruption must not wait for a read that itself waits behind the migration.
  const cancel = (): void => void session.cancel().catch(() => undefined);
  stop.addEventListener('abort', cancel, { once: true });
  try {
    await session.execute('begin');
    await drill.take(transaction);
    startedAtMs = recorder.now();
    await drill.hold(transaction);
    await session.execute('commit');
  } catch (error) {
    if (!stop.aborted)
      recorder.add('notes', `drill ${drill.describe(plan)}: ended early, ${firstLine(error)}`);
  } finally {
    stop.removeEventListener('abort', cancel);
    recorder.add('drills', {
      drill: drill.kind,
      description: drill.describe(plan),
      sessionId: session.id,
      startedAtMs,
      endedAtMs: recorder.now(),
    });
  }
}

function firstLine(error: unknown): string {
  return explain(error).split('\n')[0] ?? '';
}

/** Returns early when stopped. */
async function sleepUntil(atMs: number, recorder: Recorder, stop: AbortSignal): Promise<void> {
  const pauseMs = atMs - recorder.now();
  if (pauseMs <= 0 || stop.aborted) return;
  await delay(pauseMs, undefined, { signal: stop }).catch((error: unknown) => {
    if (!stop.aborted) throw error;
  });
}
