/**
 * Whose statements the events are: they name a thread, and the row of a thread goes away with its connection. So the
 * threads are read whenever the user has connected again; what connects and leaves in between is known by counting: when
 * every connection of all other users was seen, the threads that nobody saw are this user's.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-connection-tables.html
 */
import { isOursBeside, type Session } from '../../engine.ts';
import { isRefused } from '../views/instruments.ts';

export interface KnownSession {
  /** One of ours beside the migration: what it sends is nobody's migration. */
  readonly beside: boolean;
  /** Connection id; 0: it was gone before it was seen. */
  readonly sessionId: number;
  readonly applicationName: string;
}

export interface UserSessions {
  /** Reads the threads that are there now. */
  look(): Promise<void>;
  /** Threads of the user that are there, or were at the last look. */
  readonly live: readonly number[];
  /** The session of a thread of the user; null: somebody else's; undefined: nobody has seen it. */
  of(thread: number): KnownSession | null | undefined;
  /** Whether threads that nobody has seen can only be the user's; call after a look. */
  unseenAreTheUsers(): Promise<boolean>;
}

const THREADS = `
  select t.thread_id as thread, t.processlist_id as id, t.processlist_user as user,
    (
      select a.attr_value
      from performance_schema.session_connect_attrs a
      where a.processlist_id = t.processlist_id and a.attr_name = 'program_name'
      limit 1
    ) as application
  from performance_schema.threads t
  where t.processlist_id is not null`;

/** Connections ever made. The rows without a user are the server's own threads. */
const CONNECTIONS = `
  select u.user as user, u.total_connections as made
  from performance_schema.users u
  where u.user is not null`;

interface ThreadRow {
  readonly thread: number;
  readonly id: number;
  readonly user: string | null;
  readonly application: string | null;
}

/** A session that looks for lock waits every 15 ms would push the statements of all others out of the server's memory. */
const LEAVE_OUT = "update performance_schema.threads set instrumented = 'NO' where thread_id = ?";

/** A thread number is never used again while the server runs; those of a busy pool are not kept for ever. */
const MOST_KNOWN = 100_000;

/** The administrator's session takes what is ours beside the migration out of the server's memory. */
export async function openUserSessions(
  session: Session,
  administrator: Session,
  user: string,
): Promise<UserSessions> {
  const known = new Map<number, KnownSession | null>();
  /** Connections of each user that were seen since the opening. */
  const seen = new Map<string, number>();
  let live: readonly number[] = [];

  async function look(): Promise<void> {
    const rows = await session.query<ThreadRow>(THREADS);
    forget(new Set(rows.map(({ thread }) => Number(thread))));
    for (const row of rows) {
      const thread = Number(row.thread);
      const isNew = !known.has(thread);
      // A connection has no user until it has said its password, and no attributes.
      if (row.user === null) continue;
      if (isNew) seen.set(row.user, (seen.get(row.user) ?? 0) + 1);
      const applicationName = row.application ?? '';
      const beside = isOursBeside(applicationName);
      known.set(thread, row.user === user ? { sessionId: Number(row.id), applicationName, beside } : null);
      if (isNew && beside && row.user === user) await leaveOut(thread);
    }
    live = rows.filter((row) => row.user === user).map(({ thread }) => Number(thread));
  }

  /** Without the privilege they are read like the others, and not told. */
  async function leaveOut(thread: number): Promise<void> {
    try {
      await administrator.execute(LEAVE_OUT, [thread]);
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  }

  /** Of those that are gone, the ones of longest ago. */
  function forget(present: ReadonlySet<number>): void {
    for (const thread of known.keys()) {
      if (known.size <= MOST_KNOWN) return;
      if (!present.has(thread)) known.delete(thread);
    }
  }

  async function connections(): Promise<ReadonlyMap<string, number>> {
    const rows = await session.query<{ user: string; made: number | string }>(CONNECTIONS);
    return new Map(rows.map(({ user: name, made }) => [name, Number(made)]));
  }

  const before = await connections();
  await look();
  seen.clear();

  return {
    look,
    get live() {
      return live;
    },
    of: (thread) => known.get(thread),
    async unseenAreTheUsers() {
      const now = await connections();
      return [...now].every(([name, made]) => {
        const unseen = made - (before.get(name) ?? 0) - (seen.get(name) ?? 0);
        return name === user || unseen <= 0;
      });
    },
  };
}
