/** A load generator that others wrote, and that a user may have scripts for: it takes the place of our own load. */
import type { OutcomeClass } from '../recording/recording.ts';
import type { ConnectionTarget, Session } from './connections.ts';
import type { Command } from './recipe.ts';

export interface LoadScript {
  /** Absolute path. */
  readonly file: string;
  /** Whole number, from 1 on. */
  readonly weight: number;
}

export interface LoadProgramRun {
  readonly target: ConnectionTarget;
  readonly applicationName: string;
  readonly clients: number;
  readonly ratePerSecond: number;
  readonly scripts: readonly LoadScript[];
  readonly protocol: 'prepared' | 'unnamed' | 'simple';
  readonly randomSeed: number;
  readonly statementTimeoutMs: number | null;
  /** An operation for which no client was free so long after it was due is skipped; null waits for ever. */
  readonly skipAfterMs: number | null;
  /** Path with which the names of its log files begin. */
  readonly logPrefix: string;
}

/** One line of its log. */
export interface LoggedOperation {
  readonly client: number;
  /** Index into the scripts. */
  readonly script: number;
  /** When it was over, as milliseconds since the epoch. */
  readonly endedAtEpochMs: number;
  readonly ended:
    | {
        readonly how: 'completed';
        /** From the due instant. */
        readonly responseMs: number;
        /** From the due instant to the start. */
        readonly lagMs: number;
      }
    | { readonly how: 'skipped' }
    | {
        readonly how: 'failed';
        readonly outcome: OutcomeClass;
        /** The server's code where what is written stands for one alone; else null. */
        readonly code: string | null;
        readonly message: string;
      };
}

/** A client that goes no further, as the program says on its standard error. */
export interface LostClient {
  readonly client: number;
  readonly script: number;
  readonly outcome: OutcomeClass;
  readonly message: string;
}

export interface LoadProgram {
  readonly name: string;
  /** Folders that are not on PATH; `*` stands for one name, the newest first. */
  readonly programFolders: readonly string[];
  /** What to install when there is none. */
  readonly remedy: string;
  /** What it says of itself, from the answer to `--version`; null when it is none that can be used. */
  readVersion(output: string): string | null;
  /** Runs until it gets {@link stopSignal}. No secret stands on the command line. */
  command(program: string, version: string, run: LoadProgramRun): Command;
  /** Name of its log, which it writes in blocks of {@link logBlockBytes}. */
  logFile(logPrefix: string, processId: number): string;
  readonly logBlockBytes: number;
  /** Ends it in order: no more operations, those that run are completed, the log is written. */
  readonly stopSignal: NodeJS.Signals;
  /** Null for a line that is no operation. */
  readLog(line: string): LoggedOperation | null;
  /** Null for a line that says something else. */
  readLostClient(line: string): LostClient | null;
  /** What is wrong with the scripts by themselves, in its words with file and line; null when it takes them. */
  readRefusal(errors: string): string | null;
  /** Its sessions: for how long each has been in its transaction, null for one that is idle. */
  sessions(session: Session, applicationName: string): Promise<readonly (number | null)[]>;
  /** Cancels what its sessions run. */
  cancel(session: Session, applicationName: string): Promise<void>;
  /** Kind of a script, by its text. */
  kindOf(script: string): 'read' | 'write';
}
