/** What is pending by the ledger, and the tables without those of the ledger. */
import { relative } from 'node:path';
import type { Session, TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import { findPending } from '../tools/index.ts';
import type { Migration } from '../tools/tool.ts';
import type { FillRequest } from './fill.ts';

/** By the ledger; notes them in the recording. */
export async function readPending(request: FillRequest, session: Session): Promise<readonly Migration[]> {
  const { plan, engine, tool, migrations, recorder } = request;
  const found = await findPending({
    engine,
    tool,
    session,
    migrations,
    released: plan.migrations.released,
    flavor: plan.database.flavor,
  });
  for (const note of found.notes) recorder.add('notes', note);
  recorder.setMigrations({
    tool: tool.name,
    directory: relative(plan.directory, plan.migrations.directory) || '.',
    lockTimeoutMs: plan.migrations.lockTimeoutMs,
    applied: found.applied,
    pending: found.pending.map(({ version }) => version),
  });
  return found.pending;
}

/** UsageError when nothing is left to rehearse. */
export function requirePending({ plan, progress }: FillRequest, pending: readonly Migration[]): void {
  if (pending.length === 0) {
    throw new UsageError(
      `no migration is pending: every one of ${plan.migrations.directory} is in the ledger. ` +
        'Add the migration to be rehearsed, or set migrations.released to the last version that production has.',
    );
  }
  progress.say('fill', `${pending.length} pending: ${pending.map(({ file }) => file).join(', ')}`);
}

/** Tables that are filled: all but those of the tool. */
export async function describeTables(
  request: Pick<FillRequest, 'engine' | 'tool' | 'plan'>,
  session: Session,
): Promise<readonly TableDescription[]> {
  const names = ledgerOf(request);
  const tables = await request.engine.schema.describe(session);
  return tables.filter((table) => !names.has(table.parts.at(-1) ?? ''));
}

/** Names of the tool's own tables, without their schema. */
export function ledgerOf({
  engine,
  tool,
  plan,
}: Pick<FillRequest, 'engine' | 'tool' | 'plan'>): ReadonlySet<string> {
  return new Set(
    tool.ledger(engine.dialect, plan.database.flavor).tables.flatMap((parts) => parts.slice(-1)),
  );
}

export function openAs(
  {
    engine,
    started,
    signal,
  }: Pick<FillRequest, 'engine' | 'signal'> & {
    readonly started: Pick<FillRequest['started'], 'roles'>;
  },
  role: 'migrator' | 'administrator',
): Promise<Session> {
  return engine.connections.connect(started.roles[role], { applicationName: `rehearse ${role}` }, signal);
}
