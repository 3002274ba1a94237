/** A drill is trouble put in on purpose: a session that holds on to a table while the migration wants it. */
import type { Dialect, Session, TableDescription } from '../engines/engine.ts';
import type { DrillPlan } from '../scenario/plan.ts';

/** An open transaction of a drill. */
export interface HeldTransaction {
  readonly session: Session;
  readonly dialect: Dialect;
  readonly table: TableDescription;
  /** Waits; resolves at once to false when the time of the drill is over or it is to stop. */
  goOn(pauseMs: number): Promise<boolean>;
}

export interface Drill {
  readonly kind: DrillPlan['kind'];
  /** For reports: "long reader on orders for 15000 ms". */
  describe(plan: DrillPlan): string;
  /** First statement of the transaction; when it is answered, the drill holds its lock. */
  take(transaction: HeldTransaction): Promise<void>;
  /** Until `goOn` says no; the commit comes after it. */
  hold(transaction: HeldTransaction): Promise<void>;
}
