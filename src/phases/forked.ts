/** Phases 2 to 4 on a server that was forked from a snapshot: its schema and rows are there and have settled. */
import { refuseUnknownTables } from '../drills/index.ts';
import { generatorOf, type Snapshot } from '../snapshots/index.ts';
import type { Filled, FillRequest } from './fill.ts';
import { describeTables, openAs, readPending, requirePending } from './pending.ts';

export async function takeOver(request: FillRequest, snapshot: Snapshot): Promise<Filled> {
  const { plan, started, recorder, progress } = request;
  const { filling } = snapshot.manifest;
  await using session = await openAs(request, 'migrator');
  const pending = await readPending(request, session);
  requirePending(request, pending);
  request.onPending?.(pending);
  refuseUnknownTables(plan.drills, await describeTables(request, session));
  for (const table of filling) recorder.add('filling', table);

  recorder.enter('settle');
  progress.say('settle', 'production-like settings; the rows had settled when they were kept');
  await started.rehearsalProfile();
  await using administrator = await openAs(request, 'administrator');
  return {
    tables: await describeTables(request, administrator),
    generator: await generatorOf(snapshot),
    pending,
    filling,
  };
}
