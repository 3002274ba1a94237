/** Clauses by which a statement says how it may be carried out (ALGORITHM, LOCK). */
import type { AcceptedClauses } from '../recording/recording.ts';
import type { Session } from './connections.ts';

export interface ClauseAdvice {
  /**
   * What the server would take instead of the clauses that a failed statement has: asked with empty tables of the same
   * shape and row versions, in a database of their own that is dropped again. Null where its clauses are not why it failed,
   * or where it has none. `session`: one in the database, of a user who may make another one.
   */
  instead(session: Session, statement: string): Promise<readonly AcceptedClauses[] | null>;
}
