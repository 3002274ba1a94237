/** What of a plan cannot be rehearsed, said before anything is started: filling may take an hour. */
import type { Engine } from '../engines/engine.ts';
import { refuseWrongScripts } from '../load/index.ts';
import type { Plan } from '../scenario/plan.ts';
import { refuseWithoutReplica } from './replica.ts';

/** UsageError, or EnvironmentError where the load's generator is not there. */
export async function refuseImpossible(plan: Plan, engine: Engine, signal: AbortSignal): Promise<void> {
  refuseWithoutReplica(plan, engine);
  if (plan.load !== null) await refuseWrongScripts(engine, plan.load, signal);
}
