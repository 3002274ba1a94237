/** Which lock modes exclude each other: https://www.postgresql.org/docs/current/explicit-locking.html#TABLE-LOCK-COMPATIBILITY */

const MODES = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
] as const;

/** LockConflicts in src/backend/storage/lmgr/lock.c; in the order of the modes. */
const CONFLICTS: Readonly<Record<(typeof MODES)[number], string>> = {
  AccessShareLock: '.......x',
  RowShareLock: '......xx',
  RowExclusiveLock: '....xxxx',
  ShareUpdateExclusiveLock: '...xxxxx',
  ShareLock: '..xx.xxx',
  ShareRowExclusiveLock: '..xxxxxx',
  ExclusiveLock: '.xxxxxxx',
  AccessExclusiveLock: 'xxxxxxxx',
};

/** Modes that a request for this one waits for; empty for a mode that is none. */
export function conflictingModes(mode: string): readonly string[] {
  const known = MODES.find((each) => each === mode);
  return known === undefined ? [] : MODES.filter((_, index) => CONFLICTS[known][index] === 'x');
}
