/** Keeps filled data directories, and gives each rehearsal a private copy of a fitting one. */
export { type Choice, chooseSnapshot } from './choose.ts';
export { readKeyParts } from './inputs.ts';
export { type KeyParts, keyOf } from './key.ts';
export { type KeySamples, keySamplesIn } from './key-samples.ts';
export { makeSnapshot } from './make.ts';
export { KEEP_BYTES, whyNotKept } from './policy.ts';
export {
  type Entry,
  findSnapshot,
  generatorOf,
  listSnapshots,
  pruneSnapshots,
  removeSnapshot,
  removeUnfinished,
  type Snapshot,
  snapshotsDirectory,
} from './store.ts';
