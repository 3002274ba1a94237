/** Replays truth rows on one server, through the probe that a rehearsal uses. */
import type { Probe, Probing } from '../../src/engines/engine.ts';
import { SqlError } from '../../src/engines/connections.ts';
import { EnvironmentError, explain, firstError } from '../../src/errors.ts';
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
  await inTurns(groupsOf([...expected.keys()]), AT_ONCE, async (group, index) => {
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
      await using subjects = await openSubjects(target, group);
      for (const row of group) done(row, await replayRow(subjects, row));
    } catch (error) {
      signal.throwIfAborted();
      for (const row of group)
        if (!outcomes.has(row)) done(row, { row, how: 'not measured', reason: reasonOf(error) });
    }
  }

  async function replayRow(subjects: Subjects, row: TruthRow): Promise<Outcome> {
    signal.throwIfAborted();
    try {
      await using subject = await subjects.next();
      const measured = form.measured(await subject.probe.measure(row.sql), row, { flavor, version });
      const lower = (field: string) => form.isLowerBound?.(field, row, { flavor, version }) ?? false;
      const differing = differences(expected.get(row) ?? {}, measured, lower);
      return { row, how: 'compared', differing };
    } catch (error) {
      signal.throwIfAborted();
      return { row, how: 'not measured', reason: reasonOf(error) };
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

/** What the rows of a group are measured on. */
interface Subjects extends AsyncDisposable {
  next(): Promise<Subject>;
}

interface Subject extends AsyncDisposable {
  readonly probe: Probe;
}

/**
 * A database with the setup of these rows, and of it a copy for each where the engine makes copies: what another statement has
 * written is there when it is rolled back, and a plan or a vacuum would be another one.
 */
async function openSubjects(target: Target, group: readonly TruthRow[]): Promise<Subjects> {
  const { spec, form, server, database, signal } = target;
  const { connect } = spec.engine.connections;
  const maker = await connect(server.administrator, { applicationName: 'truth' }, signal);
  try {
    await maker.execute(`create database ${database}`);
    await using session = await connect(
      { ...server.administrator, database },
      { applicationName: 'truth setup' },
      signal,
    );
    for (const statement of [...(group[0]?.setup_sql ?? []), ...form.afterSetup])
      await session.execute(statement);
  } catch (error) {
    await maker[Symbol.asyncDispose]();
    throw error;
  }
  const open = (name: string) => openProbe(target, name, group[0]?.session_sql ?? []);
  const { copyDatabase } = form;
  let shared: Probe | null = null;
  return {
    async next() {
      if (copyDatabase === undefined) {
        shared ??= await open(database);
        return { probe: shared, [Symbol.asyncDispose]: async () => undefined };
      }
      const copy = `${database}_row`;
      await maker.execute(copyDatabase(database, copy));
      const probe = await open(copy);
      return {
        probe,
        async [Symbol.asyncDispose]() {
          await probe[Symbol.asyncDispose]();
          await maker.execute(`drop database ${copy}`);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await shared?.[Symbol.asyncDispose]();
      await maker[Symbol.asyncDispose]();
    },
  };
}

async function openProbe(
  { server, probing, signal }: Target,
  database: string,
  statements: readonly string[],
): Promise<Probe> {
  const probe = await probing.open({ administrator: { ...server.administrator, database }, signal });
  try {
    for (const statement of statements) await probe.execute(statement);
    return probe;
  } catch (error) {
    await probe[Symbol.asyncDispose]();
    throw error;
  }
}

/** Rows with the same setup share its work. */
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
function reasonOf(thrown: unknown): string {
  const error = firstError(thrown);
  return error instanceof SqlError ? error.message : explain(error);
}
