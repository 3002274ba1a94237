/**
 * Canaries: for each touched table one that reads and one that writes, as the independent witness of "could not be
 * read, could not be written for so long". They are load, marked as ours, and counted in no figure of the load.
 */
import { CANARY_APPLICATION, type Session, SqlError, type TableDescription } from '../../engines/engine.ts';
import { EnvironmentError, explain } from '../../errors.ts';
import { notMeasured } from '../../recording/figure.ts';
import type { CanaryRecord } from '../../recording/recording.ts';
import type { ObservationRequest } from '../observer.ts';
import { serverCpuIn } from '../sampling.ts';
import { countServerCpu } from '../server-cpu.ts';
import { CANARY_INTERVAL_MS, CANARY_LOCK_TIMEOUT_MS, type RunningCanary, startCanary } from './canary.ts';
import { watchLateness } from './lateness.ts';
import { chooseTables } from './tables.ts';

export interface CanariesRequest extends ObservationRequest {
  readonly tables: readonly TableDescription[];
  /** SQL of the pending migrations. */
  readonly migrationTexts: readonly string[];
}

/** Starts them all; when disposed of, what they saw reaches the recorder. What cannot be probed costs itself alone. */
export async function startCanaries(request: CanariesRequest): Promise<AsyncDisposable> {
  const { engine, roles, recorder, tables, migrationTexts } = request;
  const { watched, leftOut, reason } = chooseTables(tables, migrationTexts);
  const sessions: Session[] = [];
  const canaries: RunningCanary[] = [];
  const now = (): number => recorder.now();
  const lateness = watchLateness(now);
  const unwritable = await unwritableTables(request, watched);
  const probes = watched.flatMap((table) => probesOf(request, table, unwritable));
  const close = async (): Promise<void> => {
    lateness[Symbol.dispose]();
    await Promise.allSettled(sessions.map((session) => session[Symbol.asyncDispose]()));
  };

  for (const { table, kind, statement } of probes) {
    try {
      const session = await engine.connections.connect(roles.load, {
        applicationName: CANARY_APPLICATION,
        lockTimeoutMs: CANARY_LOCK_TIMEOUT_MS,
        prepared: true,
      });
      sessions.push(session);
      const betweenMs = CANARY_INTERVAL_MS / 2;
      const ordinal = watched.findIndex(({ name }) => name === table);
      const offsetMs = (ordinal / watched.length) * betweenMs + (kind === 'write' ? betweenMs : 0);
      canaries.push(startCanary({ engine, session, table, kind, statement, now, offsetMs, lateness }));
    } catch (error) {
      if (!(error instanceof EnvironmentError || error instanceof SqlError)) throw error;
      recorder.add('notMeasured', notProbed(table, kind, explain(error).split('\n')[0] ?? ''));
    }
  }
  if (canaries.length > 0)
    recorder.add(
      'notes',
      `canaries ask every ${CANARY_INTERVAL_MS} ms whether a table can be read, and in between whether it can be written (${reason}): ` +
        watched.map(({ name }) => name).join(', '),
    );
  if (leftOut.length > 0)
    recorder.add('notMeasured', {
      what: 'canaries',
      reason: `not of ${leftOut.join(', ')}: they watch ${watched.length} tables at most, so that they are no load themselves`,
    });

  let stopping: Promise<void> | null = null;
  async function stop(): Promise<void> {
    const results = await Promise.allSettled(canaries.map((canary) => canary.stop()));
    const records = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    recorder.setCanaries(records);
    if (sessions.length > 0) recordCost(request, records, sessions);
    for (const { table, kind, ended } of records)
      if (ended !== null) recorder.add('notMeasured', notProbed(table, kind, ended.reason, ended.atMs));
    await close();
  }
  return {
    [Symbol.asyncDispose]: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** They share their thread with all that goes on between probes: apart, only the server's processes can be told. */
function recordCost(
  { recorder, server }: CanariesRequest,
  records: readonly CanaryRecord[],
  sessions: readonly Session[],
): void {
  const serverCpu = countServerCpu('path' in server.dataDirectory ? server.dataDirectory.path : null);
  serverCpu.add(sessions);
  recorder.add('observers', {
    name: 'canaries',
    samples: records.reduce((sum, { answered }) => sum + answered, 0),
    intervalMs: CANARY_INTERVAL_MS,
    cpuMs: notMeasured('it is in that of the migrations and observers together'),
    ...serverCpuIn(serverCpu),
    trouble: [],
  });
}

interface WantedProbe {
  readonly table: string;
  readonly kind: CanaryRecord['kind'];
  readonly statement: string;
}

function probesOf(
  { engine, recorder }: CanariesRequest,
  { name, parts }: TableDescription,
  unwritable: ReadonlyMap<string, string>,
): readonly WantedProbe[] {
  const { read, write } = engine.canaries.statements(parts);
  const reason = unwritable.get(engine.dialect.quoteName(parts));
  const reader: WantedProbe = { table: name, kind: 'read', statement: read };
  if (reason === undefined) return [reader, { table: name, kind: 'write', statement: write }];
  recorder.add('notMeasured', notProbed(name, 'write', `a probe would do more than ask: ${reason}`));
  return [reader];
}

/** Every table where that cannot be told: a probe must not do more than ask. */
async function unwritableTables(
  { engine, roles }: CanariesRequest,
  watched: readonly TableDescription[],
): Promise<ReadonlyMap<string, string>> {
  try {
    await using session = await engine.connections.connect(roles.observerInside, {
      applicationName: 'rehearse observer canaries',
    });
    return await engine.canaries.unwritable(session);
  } catch (error) {
    if (!(error instanceof EnvironmentError || error instanceof SqlError)) throw error;
    const reason = `its triggers could not be read: ${explain(error).split('\n')[0] ?? ''}`;
    return new Map(watched.map(({ parts }) => [engine.dialect.quoteName(parts), reason]));
  }
}

function notProbed(table: string, kind: CanaryRecord['kind'], reason: string, atMs: number | null = null) {
  const since = atMs === null ? '' : ` from ${duration(atMs)} on`;
  const done = kind === 'read' ? 'read' : 'written';
  return {
    what: `canary of ${table}`,
    reason: `whether it could be ${done}${since} is not known: ${reason}`,
  };
}

function duration(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
