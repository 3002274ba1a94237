/** The seeders there are, and what filling will take. */
import type { TableDescription } from '../engines/engine.ts';
import { estimateBytes, planSpec } from '../generators/index.ts';
import type { Profile } from '../profile/profile.ts';
import type { DataPlan } from '../scenario/plan.ts';

export { planSpec } from '../generators/index.ts';
export { describeFilled } from './described.ts';
export { readExistingKeys } from './existing-keys.ts';
export { fitIndexes } from './fit-indexes.ts';
export { restore as restoreDeferred } from './restore.ts';
export type { FillingProgress, FillingRequest, FillingResult, Seeder } from './seeder.ts';
export { seedSynthetic } from './synthetic.ts';

/** Bytes that the filled tables will take with their indexes, estimated before a row is there. */
export function estimateVolume(
  tables: readonly TableDescription[],
  data: DataPlan,
  profile: Profile | null = null,
): number {
  return estimateBytes(planSpec(tables, data, profile));
}
