/** node-postgres's own pool, given the arrivals of a load plan when they are due: how many of them give up. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createGenerators } from '../../src/generators/index.ts';
import { createArrivalList } from '../../src/load/arrivals/arrival-list.ts';
import type { LoadPlan } from '../../src/load/load.ts';

const TIMED_OUT = 'timeout exceeded when trying to connect';

/** Sends the arrivals of the first `stretchMs` of the list; `begun` is called with the list's zero (performance.now). */
export async function poolTimeoutsOfDriver(
  plan: LoadPlan,
  stretchMs: number,
  begun: (zeroMs: number) => Promise<unknown>,
): Promise<number> {
  const { target, settings } = plan;
  const pool = new pg.Pool({
    host: target.socket ?? target.host,
    port: target.port,
    user: target.user,
    password: target.password,
    database: target.database,
    max: settings.pool.size,
    connectionTimeoutMillis: settings.pool.checkoutTimeoutMs ?? 0,
  });
  try {
    await Promise.all(Array.from({ length: settings.pool.size }, () => pool.query('select pg_sleep(0.1)')));
    const zeroMs = performance.now();
    const meanwhile = begun(zeroMs);
    const arrivals = createArrivalList(plan, createGenerators(plan.generator));
    const answers: Promise<unknown>[] = [];
    while (arrivals.nextAtMs < stretchMs) {
      while (arrivals.nextAtMs <= performance.now() - zeroMs && arrivals.nextAtMs < stretchMs) {
        const { operation, values } = arrivals.next();
        const [statement] = operation.statements;
        if (statement === undefined) throw new Error(`${operation.record.name} has no statement`);
        const query = { name: statement.name, text: statement.text, values: [...(values[0] ?? [])] };
        answers.push(pool.query(query).catch((error: unknown) => ({ error })));
      }
      await delay(1);
    }
    const timeouts = (await Promise.all(answers)).filter(isTimeout).length;
    await meanwhile;
    return timeouts;
  } finally {
    await pool.end();
  }
}

function isTimeout(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return false;
  if (answer.error instanceof Error && answer.error.message.includes(TIMED_OUT)) return true;
  throw answer.error;
}
