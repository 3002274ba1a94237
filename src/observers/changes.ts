/**
 * What each step did to the relations, from the catalogs before and after it: rewrites, indexes built or left invalid,
 * constraints that were not validated. Read between steps, while nothing of the migration runs.
 */
import type { RelationStates } from '../engines/engine.ts';
import type { Step } from '../recording/recording.ts';
import type { ObserveRequest, Observer, RunningObserver } from './observer.ts';
import { closeSessions, openSessions } from './sampling.ts';
import { soleStatement } from './statements.ts';

export const changes: Observer = { name: 'changes', start: watchChanges };

export interface ChangeWatch extends RunningObserver {
  beforeSteps(): Promise<void>;
  afterStep(step: Step): Promise<void>;
  /** Compares with the last reading; `null` where the statement is not known. */
  afterStatement(statementId: string | null): Promise<void>;
}

export async function watchChanges(request: ObserveRequest): Promise<ChangeWatch> {
  const { recorder, engine, ledgerTables } = request;
  const { sessions, inside } = await openSessions(request, 'rehearse observer changes');
  let before: RelationStates | null = null;

  async function afterStatement(statementId: string | null): Promise<void> {
    const after = await engine.views.readRelationStates(inside, ledgerTables);
    for (const change of before === null ? [] : engine.views.compareRelationStates(before, after))
      recorder.add('changes', { statementId, ...change });
    before = after;
  }

  return {
    beforeSteps: async () => {
      before = await engine.views.readRelationStates(inside, ledgerTables);
    },
    afterStep: (step) => afterStatement(soleStatement(step, engine.dialect.kindOf)),
    afterStatement,
    [Symbol.asyncDispose]: () => closeSessions(sessions),
  };
}
