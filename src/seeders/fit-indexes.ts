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

/**
 * After ageing, which splits pages of its own. Where the engine cannot, or without a profile, everything stays as it is.
 * An abort cancels what is running.
 */
export async function fitIndexes(
  { engine, onProgress }: Pick<FillingRequest, 'engine' | 'onProgress'>,
  { session, generator, signal }: Fitting,
): Promise<void> {
  const { fitSizes } = engine.filling;
  if (fitSizes === undefined) return;
  const stop = () => void session.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (const { description, rows, profile, existingKeys } of generator.tables) {
      if (profile === undefined || profile.rows === 0 || rows === 0 || existingKeys !== null) continue;
      signal.throwIfAborted();
      const message = `${description.name}: indexes as full as production's`;
      onProgress({ ...OF_NO_TABLE, message, rows: 0, ofRows: 0 });
      const scale = rows / profile.rows;
      await fitSizes(session, {
        table: description,
        indexes: profile.indexes.map(({ name, bytes }) => ({ name, bytes: bytes * scale })),
      });
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
