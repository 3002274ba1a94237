/** Probes that tell whether a table can be read and written: they take the locks that the application's statements take. */
import type { Session } from './connections.ts';

/** Name of their sessions in the engine's own views. */
export const CANARY_APPLICATION = 'rehearse canary';

export interface Canaries {
  /** Statements that touch no row. `parts` as in TableDescription. */
  statements(parts: readonly string[]): { readonly read: string; readonly write: string };
  /** Tables (by their quoted name) on which the write probe would do more than take locks, each with the reason. */
  unwritable(session: Session): Promise<ReadonlyMap<string, string>>;
}
