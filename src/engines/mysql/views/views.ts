/** What the observers read on MySQL and MariaDB. */
import type { ObservedViews } from '../../engine.ts';
import { openJournal } from '../journal/journal.ts';
import { openDiskReader } from './disk.ts';
import { openLockReader } from './locks.ts';
import { readProgress } from './progress-views.ts';
import { missing, readClock, readLockWaitLimit, readSettings } from './server-facts.ts';
import { compareRelationStates } from './state-changes.ts';
import { readRelationStates } from './states.ts';

export const views: ObservedViews = {
  openJournal,
  openLockReader,
  openDiskReader,
  readProgress,
  readRelationStates,
  compareRelationStates,
  readSettings,
  readClock,
  readLockWaitLimit,
  missing,
};
