/** Gives the indexes of the filled tables the size that they have in production. */
import type { Session } from '../engines/engine.ts';
import type { GeneratorSpec } from '../generators/generator.ts';
import { OF_NO_TABLE } from './filling-progress.ts';
import type { FillingRequest } from './seeder.ts';

interface Fitting {
  readonly session: Session;
  readonly generator: GeneratorSpec;
  readonly signal: AbortSignal;
}

/** Where the engine cannot, or without a profile, indexes stay as they were built. An abort cancels what is running. */
export async function fitIndexes(
  { engine, onProgress }: FillingRequest,
  { session, generator, signal }: Fitting,
): Promise<void> {
  const { fitIndex } = engine.filling;
  if (fitIndex === undefined) return;
  const stop = () => void session.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (const { description, rows, profile, existingKeys } of generator.tables) {
      if (profile === undefined || profile.rows === 0 || rows === 0 || existingKeys !== null) continue;
      for (const { name, bytes } of profile.indexes) {
        signal.throwIfAborted();
        const message = `${description.name}: index ${name} as full as production's`;
        onProgress({ ...OF_NO_TABLE, message, rows: 0, ofRows: 0 });
        await fitIndex(session, { table: description, index: name, bytes: (bytes / profile.rows) * rows });
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
