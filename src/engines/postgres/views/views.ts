/** What the observers read on Postgres. */
import type { ObservedViews } from '../../engine.ts';
import { openJournal } from '../log/journal.ts';
import { openDiskReader } from './disk.ts';
import { openLockReader } from './locks.ts';
import { readProgress } from './progress-views.ts';
import { missing, readClock, readLockWaitLimit, readSettings } from './server-facts.ts';
import { compareRelationStates, readRelationStates } from './states.ts';

export const views: ObservedViews = {
  openLockReader,
  openJournal,
  openDiskReader,
  readProgress,
  readRelationStates,
  compareRelationStates,
  readSettings,
  readClock,
  readLockWaitLimit,
  missing,
};
