/**
 * What each step did to the relations, from the catalogs before and after it: rewrites, indexes built or left invalid,
 * constraints that were not validated. Read between steps, while nothing of the migration runs.
 */
import type { RelationStates } from '../engines/engine.ts';
import type { Step } from '../recording/recording.ts';
import type { ObserveRequest, Observer, RunningObserver } from './observer.ts';
import { closeSessions, openSessions } from './sampling.ts';
import { soleNaming, soleStatement } from './statements.ts';

export const changes: Observer = { name: 'changes', start: watchChanges };

export interface ChangeWatch extends RunningObserver {
  beforeSteps(): Promise<void>;
  afterStep(step: Step): Promise<void>;
}

export async function watchChanges(request: ObserveRequest): Promise<ChangeWatch> {
  const { recorder, engine, ledgerTables } = request;
  const { sessions, inside } = await openSessions(request, 'rehearse observer changes');
  let before: RelationStates | null = null;

  /** `whose`: the statement of a change to this relation; null where several may have made it. */
  async function read(version: string, whose: (relation: string) => string | null): Promise<void> {
    const after = await engine.views.readRelationStates(inside, ledgerTables);
    for (const change of before === null ? [] : engine.views.compareRelationStates(before, after))
      recorder.add('changes', { statementId: whose(change.relation), version, ...change });
    before = after;
  }

  /** Where DDL is transactional tables change by statements on others too: partitions, types, what hangs on a CASCADE. */
  const namesTables = engine.capabilities.transactionalDdl !== true;

  return {
    beforeSteps: async () => {
      before = await engine.views.readRelationStates(inside, ledgerTables);
    },
    afterStep: (step) => {
      const { kindOf } = engine.dialect;
      const sole = soleStatement(step, kindOf);
      return read(step.version, (relation) =>
        sole === null && namesTables ? soleNaming(step, kindOf, relation) : sole,
      );
    },
    [Symbol.asyncDispose]: () => closeSessions(sessions),
  };
}
