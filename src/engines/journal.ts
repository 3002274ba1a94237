/** Statements and lock waits as the server itself tells them after they ended, whoever sent them. */
import type { JournalStatement, NotMeasured, WaitEnding } from '../recording/recording.ts';
import type { Session } from './connections.ts';
import type { SeenDeadlockParty } from './views.ts';

export interface JournalRequest {
  /** Of a superuser, connected to another database than the rehearsed one. */
  readonly administrator: Session;
  /** In the rehearsed database, for the names of relations. */
  readonly inside: Session;
  /** A path that this process can read, or null. */
  readonly dataDirectory: string | null;
  /** Whose statements are wanted, and in which database. */
  readonly user: string;
  readonly database: string;
}

/** An instant of the server's clock as milliseconds since the epoch: it lies between the two. */
export interface ServerInstant {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** As it is kept, but for what only the recorder knows. */
export interface ToldStatement
  extends Omit<
    JournalStatement,
    'sessionId' | 'applicationName' | 'message' | 'within' | 'startedAtMs' | 'statementId'
  > {
  /** Index in the same message; null: a client sent it. */
  readonly within: number | null;
  readonly started: ServerInstant;
}

/** What travelled to the server together, where the server tells; else each statement is a message of its own. */
export interface ToldMessage {
  /** 0: the session was gone before anybody saw its number. */
  readonly sessionId: number;
  readonly applicationName: string;
  readonly statements: readonly ToldStatement[];
}

/** One wait of any session for one lock. */
export interface ToldWait {
  readonly sessionId: number;
  readonly user: string | null;
  readonly applicationName: string;
  readonly statement: string | null;
  /** As the engine's lock reader names it. */
  readonly mode: string;
  readonly target: string;
  readonly relation: string | null;
  readonly started: ServerInstant;
  /** In milliseconds; null where the server told no length (the end is then the instant of the error). */
  readonly waitedMs: number | null;
  readonly ended: ServerInstant;
  readonly ending: WaitEnding;
  /** Who held the same lock in some mode, and who else waited for it; left out where the server does not tell. */
  readonly lock?: {
    readonly holders: readonly ToldSession[];
    readonly waiters: readonly ToldSession[];
    /** Modes that the wanted one excludes. */
    readonly conflicting: readonly string[];
  };
}

/** As far as it was still there when it was asked for. */
export interface ToldSession {
  readonly sessionId: number;
  /** Null: a process of the server itself; undefined: it was gone. */
  readonly user: string | null | undefined;
  readonly applicationName: string;
}

export interface JournalReading {
  readonly messages: readonly ToldMessage[];
  readonly waits: readonly ToldWait[];
  /** Left out: it does not tell them. */
  readonly cancels?: readonly ToldCancel[];
  /** Left out: it does not tell them. */
  readonly deadlocks?: readonly ToldDeadlock[];
}

/** As the session told it that was rolled back. */
export interface ToldDeadlock {
  readonly parties: readonly SeenDeadlockParty[];
  /** Those of the parties that are known. */
  readonly sessions: readonly ToldSession[];
  readonly at: ServerInstant;
}

/** Work of the server itself that gave way to somebody who waited for its lock. */
export interface ToldCancel {
  readonly sessionId: number;
  readonly work: 'vacuum' | 'analyze';
  /** As it is named in a recording. */
  readonly table: string;
  readonly at: ServerInstant;
}

export interface Journal extends AsyncDisposable {
  readonly source: string;
  /** From which length on waits are told, and what that does to deadlocks: a sentence for the report; null: it tells none. */
  readonly waitsInWords: string | null;
  /**
   * From which length on all waits of the load's sessions have been told so far, those that a timeout ended left out; null
   * where some may be missing. Left out: null.
   */
  completeFromMs?(): number | null;
  /** Pause between two readings; left out: the observer's own. */
  readonly intervalMs?: number;
  /** What has ended since the last call. */
  read(): Promise<JournalReading>;
  /** The same, with everything that ended before this call. */
  settle(): Promise<JournalReading>;
  /** What is still under way, after the last reading; asked for once. */
  unfinished(): JournalReading;
  /** What it knows to be missing from all readings so far; left out: nothing can be. */
  gaps?(): readonly NotMeasured[];
}
