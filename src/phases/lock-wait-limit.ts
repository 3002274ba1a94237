/** What a migration risks that nobody gave a lock timeout: to stand in the queue, with everything behind it, for a year. */
import type { Engine, LockWaitLimit } from '../engines/engine.ts';
import type { WindowsRequest } from './windows.ts';

/** What nobody would call a lock timeout: by then the table has been out of service for long. */
const LONG_MS = 60_000;

/** Notes the limit that the server has for the migrator when neither scenario nor migrations set one. */
export async function noteLockWaitLimit(request: WindowsRequest): Promise<void> {
  const { plan, engine, started, filled, recorder, signal } = request;
  if (plan.migrations.lockTimeoutMs !== null) return;
  await using session = await engine.connections.connect(
    started.roles.migrator,
    { applicationName: 'rehearse migrator' },
    signal,
  );
  const limit = await engine.views.readLockWaitLimit(session);
  const scripts = filled.pending.flatMap(({ parts }) => parts.map(({ sql }) => sql));
  if (scripts.some((script) => setsLimit(script, limit, engine.dialect))) return;
  const note = longLockWait(limit);
  if (note !== null) recorder.add('notes', note);
}

/** True when the text itself says how long it waits: `set lock_timeout = '2s'`. */
export function setsLimit(
  script: string,
  { setting }: LockWaitLimit,
  dialect: Pick<Engine['dialect'], 'blank'>,
): boolean {
  return new RegExp(`\\b${setting}\\b`, 'i').test(dialect.blank(script));
}

/** What to tell of a limit that nobody chose; null when it is short. */
export function longLockWait({ setting, limitMs }: LockWaitLimit): string | null {
  if (limitMs !== null && limitMs <= LONG_MS) return null;
  const long = limitMs === null ? 'without any limit' : `for up to ${inWords(limitMs)}`;
  return (
    `nobody set a lock timeout: the migration waits ${long} for a lock (${setting}), and so it does in production ` +
    'unless it is set there; migrations.lockTimeout rehearses it with one'
  );
}

const UNITS = [
  { name: 'days', milliseconds: 86_400_000 },
  { name: 'hours', milliseconds: 3_600_000 },
  { name: 'minutes', milliseconds: 60_000 },
] as const;

/** In the largest unit of which there is more than one, to a tenth. */
function inWords(milliseconds: number): string {
  const unit = UNITS.find((each) => milliseconds / each.milliseconds > 1) ?? UNITS[2];
  return `${Math.round((milliseconds / unit.milliseconds) * 10) / 10} ${unit.name}`;
}
