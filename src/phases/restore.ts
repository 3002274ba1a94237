/** A dump in place of a schema and generated rows. */
import { statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { type DumpProgress, describeRestoredTables, reshape, restoreDump } from '../dumps/index.ts';
import type { TableDescription } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import type { RestorePlan } from '../scenario/plan.ts';
import type { FillingResult } from '../seeders/index.ts';
import type { FillRequest } from './fill.ts';
import { describeTables } from './pending.ts';
import { mebibytes, refuseFullDisk, willHaveReplica } from './provision.ts';
import { cancelledBy } from './wait.ts';

/** Restores it into the rehearsed database, owned by the migrator. */
export async function restoreRows(request: FillRequest, plan: RestorePlan): Promise<void> {
  const { engine, started, recorder, progress, signal } = request;
  const target = started.roles.migrator;
  const startedAtMs = recorder.now();
  const onProgress = ({ message, fraction }: DumpProgress) => progress.update('fill', message, fraction);
  await using session = await engine.connections.connect(
    target,
    { applicationName: 'rehearse restore' },
    signal,
  );
  await restoreDump(
    {
      engine,
      plan,
      server: started.server,
      target,
      session,
      onVolume: (bytes) => refuseLargeDump(request, bytes),
      onProgress,
      say: (message) => progress.say('fill', message),
      onNote: (text) => recorder.add('notes', text),
    },
    signal,
  );
  const { data } = request.plan;
  const say = (message: string) => progress.say('fill', message);
  const tables = await describeTables(request, session);
  await reshape({ engine, session, target, tables, data, onProgress, say }, signal);
  const seconds = Math.round((recorder.now() - startedAtMs) / 100) / 10;
  const share = data.scale < 1 ? `, a share of ${data.scale} of its rows` : '';
  const masked = Object.entries(plan.mask).flatMap(([table, columns]) =>
    Object.keys(columns).map((column) => `${table}.${column}`),
  );
  const masks = masked.length === 0 ? '' : `; masked: ${masked.join(', ')}`;
  recorder.add(
    'notes',
    `the data are those of the dump ${basename(plan.file)}${share}, restored in ${seconds} s${masks}`,
  );
}

async function refuseLargeDump(
  { plan, started, recorder, progress }: FillRequest,
  bytes: number,
): Promise<void> {
  progress.say(
    'fill',
    `restored it takes about ${mebibytes(bytes)} MiB, estimated from the size of the dump`,
  );
  const { dataDirectory } = started.server;
  if ('missing' in dataDirectory) {
    recorder.add('notMeasured', { what: 'free disk before restoring', reason: dataDirectory.missing });
    return;
  }
  const space = await statfs(dataDirectory.path).catch((cause: unknown) => {
    throw new EnvironmentError(`cannot read the free disk of ${dataDirectory.path}`, { cause });
  });
  refuseFullDisk({
    wantedBytes: bytes,
    freeBytes: space.bavail * space.bsize,
    replica: willHaveReplica(plan, started.server),
  });
}

/** What the restored tables hold, and where the load's new rows go on. */
export async function describeRestored(
  { plan, engine, started, progress, signal }: FillRequest,
  tables: readonly TableDescription[],
): Promise<FillingResult> {
  const administrator = started.roles.administrator;
  await using session = await engine.connections.connect(
    administrator,
    { applicationName: 'rehearse restore' },
    signal,
  );
  const onTable = (name: string): void => progress.update('fill', `counting the rows of ${name}`, null);
  return await cancelledBy(signal, session, () =>
    describeRestoredTables({ engine, session, tables, data: plan.data, onTable }),
  );
}
