/** What both kinds of waits, for metadata and for rows, come to. */
import type { EndedWait, SeenWait } from '../../engine.ts';

export interface WaitChanges {
  readonly current: readonly SeenWait[];
  readonly ended: readonly EndedWait[];
  /** Connections that began or ended a wait: what they do now has to be looked at. */
  readonly changed: readonly number[];
}
