/** Replays truth rows on one server, through the probe that a rehearsal uses. */
import type { Probing } from '../../src/engines/engine.ts';
import { SqlError } from '../../src/engines/connections.ts';
import { EnvironmentError, explain } from '../../src/errors.ts';
import { chooseProvisioner } from '../../src/provisioners/index.ts';
import type { Server } from '../../src/provisioners/provisioner.ts';
import { type ServerSpec, serverRequest } from '../../tests/server.ts';
import { type Difference, differences, type Fields, type TruthForm, type TruthRow } from './form.ts';

/** One row on one server. */
export type Outcome = { readonly row: TruthRow } & (
  | { readonly how: 'compared'; readonly differing: readonly Difference[] }
  | { readonly how: 'not measured'; readonly reason: string }
  | { readonly how: 'left out' }
);

export interface Replay {
  readonly spec: ServerSpec;
  readonly form: TruthForm;
  readonly rows: readonly TruthRow[];
  readonly onOutcome: (outcome: Outcome) => void;
  readonly signal: AbortSignal;
}

export interface Replayed {
  /** As the server says it. */
  readonly version: string;
  readonly outcomes: readonly Outcome[];
}

/** Most of a replay is waiting for locks that are not given: more than one at a time costs little. */
const AT_ONCE = 4;

/** EnvironmentError when the server cannot be had, or its engine cannot tell. */
export async function replay({ spec, form, rows, onOutcome, signal }: Replay): Promise<Replayed> {
  const { engine, flavor } = spec;
  if ('missing' in engine.probing) throw new EnvironmentError(engine.probing.missing);
  const { probing } = engine;
  const settings = engine.probing.settings;
  const request = { ...serverRequest({ settings }, spec), role: 'probe' as const };
  const provisioner = await chooseProvisioner(request, signal);
  await using server = await provisioner.start(request, signal);
  await server.useProfile('rehearsal');
  {
    await using administrator = await engine.connections.connect(
      server.administrator,
      { applicationName: 'truth' },
      signal,
    );
    await form.prepare(administrator);
  }
  const { version } = server;
  const outcomes = new Map<TruthRow, Outcome>();
  const expected = new Map<TruthRow, Fields>();
  for (const row of rows) {
    const fields = row.engine.split('+').includes(flavor) ? form.expected(row, { flavor, version }) : null;
    if (fields === null) outcomes.set(row, { row, how: 'left out' });
    else expected.set(row, fields);
  }
  const groups = groupsOf([...expected.keys()]);
  await inTurns(groups, AT_ONCE, async (group, index) => {
    const target = { spec, form, server, probing, database: `truth_${index}`, signal };
    await replayGroup(target, group, (row, outcome) => {
      outcomes.set(row, outcome);
      onOutcome(outcome);
    });
  });
  return { version, outcomes: rows.flatMap((row) => outcomes.get(row) ?? []) };

  async function replayGroup(
    target: Target,
    group: readonly TruthRow[],
    done: (row: TruthRow, outcome: Outcome) => void,
  ): Promise<void> {
    try {
      await using probe = await openProbe(target, group);
      for (const row of group) {
        signal.throwIfAborted();
        try {
          const measured = form.measured(await probe.measure(row.sql), row, { flavor, version });
          const lower = (field: string) => form.isLowerBound?.(field, row, { flavor, version }) ?? false;
          const differing = differences(expected.get(row) ?? {}, measured, lower);
          done(row, { row, how: 'compared', differing });
        } catch (error) {
          signal.throwIfAborted();
          done(row, { row, how: 'not measured', reason: reasonOf(error) });
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      for (const row of group)
        if (!outcomes.has(row)) done(row, { row, how: 'not measured', reason: reasonOf(error) });
    }
  }
}

interface Target {
  readonly spec: ServerSpec;
  readonly form: TruthForm;
  readonly server: Server;
  readonly probing: Probing;
  readonly database: string;
  readonly signal: AbortSignal;
}

/** A database with the setup of these rows, and a probe of it. */
async function openProbe(
  { spec, form, server, probing, database, signal }: Target,
  group: readonly TruthRow[],
) {
  const { connect } = spec.engine.connections;
  const administrator = { ...server.administrator, database };
  {
    await using maker = await connect(server.administrator, { applicationName: 'truth' }, signal);
    await maker.execute(`create database ${database}`);
  }
  {
    await using session = await connect(administrator, { applicationName: 'truth setup' }, signal);
    for (const statement of [...(group[0]?.setup_sql ?? []), ...form.afterSetup])
      await session.execute(statement);
  }
  const probe = await probing.open({ administrator, signal });
  try {
    for (const statement of group[0]?.session_sql ?? []) await probe.execute(statement);
    return probe;
  } catch (error) {
    await probe[Symbol.asyncDispose]();
    throw error;
  }
}

/** Rows with the same setup share a database: measuring leaves it as it was. */
function groupsOf(rows: readonly TruthRow[]): readonly (readonly TruthRow[])[] {
  const groups = new Map<string, TruthRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.setup_sql, row.session_sql]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

async function inTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const queue = [...items.entries()];
  const workers = Array.from({ length: atOnce }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next[1], next[0]);
  });
  const ended = await Promise.allSettled(workers);
  for (const worker of ended) if (worker.status === 'rejected') throw worker.reason;
}

/** What the server says of a statement that fails is the reason; anything else is explained. */
function reasonOf(error: unknown): string {
  return error instanceof SqlError ? error.message : explain(error);
}
