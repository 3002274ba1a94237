/** Private copies of the database, with the same oids and file numbers, for statements that cannot be rolled back. */
import type { Session } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

export interface Copies {
  /** Nobody may be connected to the database that is copied. */
  make(): Promise<Copy>;
}

/** Dropped when it is disposed of, and with it the sessions that were opened in it. */
export interface Copy extends AsyncDisposable {
  connect(lockTimeoutMs?: number): Promise<Session>;
}

export interface CopiesRequest {
  readonly cluster: Session;
  readonly database: string;
  readonly connect: (database: string, lockTimeoutMs?: number) => Promise<Session>;
  readonly signal: AbortSignal;
}

/** Names are cut at 63 bytes. */
const MOST_NAME_LENGTH = 40;

export function createCopies({ cluster, database, connect, signal }: CopiesRequest): Copies {
  let made = 0;
  return {
    async make() {
      signal.throwIfAborted();
      made += 1;
      const name = `${database.slice(0, MOST_NAME_LENGTH)}_copy_${made}`;
      await cluster.execute(`create database ${dialect.quote(name)} template ${dialect.quote(database)}`);
      const sessions: Session[] = [];
      return {
        async connect(lockTimeoutMs) {
          const session = await connect(name, lockTimeoutMs);
          sessions.push(session);
          return session;
        },
        async [Symbol.asyncDispose]() {
          await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
          await cluster.execute(`drop database ${dialect.quote(name)}`);
        },
      };
    },
  };
}
