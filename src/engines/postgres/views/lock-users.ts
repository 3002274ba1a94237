/** Who the sessions belong to whose locks were seen. */
import type { LockQueries } from './lock-rows.ts';

/** Process numbers are used again; who a session belongs to is read anew after this time. */
const FORGET_USERS_MS = 5_000;

export interface Users {
  /** Client sessions known to be of another user: their locks need not be sent. */
  others(holders: string): readonly number[];
  learn(pids: readonly number[]): Promise<void>;
  isOf(pid: number, user: string): boolean;
}

export function createUsers(queries: LockQueries): Users {
  let users = new Map<number, string | null>();
  let readAtMs = -Infinity;
  return {
    others(holders) {
      if (performance.now() - readAtMs > FORGET_USERS_MS) users = new Map();
      return [...users].filter(([, user]) => user !== holders).map(([pid]) => pid);
    },
    async learn(pids) {
      const unknown = pids.filter((pid) => !users.has(pid));
      if (unknown.length === 0) return;
      users = new Map(await queries.clientUsers());
      readAtMs = performance.now();
      for (const pid of unknown) if (!users.has(pid)) users.set(pid, null);
    },
    isOf: (pid, user) => users.get(pid) === user,
  };
}
