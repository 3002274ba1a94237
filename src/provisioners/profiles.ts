import { isDeepStrictEqual } from 'node:util';
import type { SettingsProfile } from '../engines/engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import type { ServerRequest } from './provisioner.ts';

/** Name of the database on servers that are ours alone. */
export const REHEARSED_DATABASE = 'rehearsal';

/** Throws the engine's UsageError for settings that no server would be started for. */
export function refuseWrongSettings({ engine, database }: ServerRequest): void {
  engine.recipe.settings('rehearsal', database.settings);
}

/** A server that started before and does not start with the user's settings: it is for the user to correct them. */
export function blameSettings(
  error: unknown,
  settings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): unknown {
  const written = Object.entries(settings).map(([name, value]) => `${name} = "${value}"`);
  if (signal.aborted || written.length === 0 || !(error instanceof EnvironmentError)) return error;
  return new UsageError(
    `the server does not start with database.settings (${written.join(', ')}). Correct them or leave them out.\n` +
      error.message,
    { cause: error.cause },
  );
}

/** Data that was kept with the settings that are wanted needs no second start. */
export function profileAtStart({ engine, database, fork }: ServerRequest): SettingsProfile | null {
  if (fork === null) return null;
  const wanted = engine.recipe.settings('rehearsal', database.settings);
  return isDeepStrictEqual(wanted, fork.settings) ? 'rehearsal' : null;
}
