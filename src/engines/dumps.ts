/**
 * What an engine knows of dumps: how to tell one, which client program restores it, and what that program prints.
 * Commands are described as data and run elsewhere. Where a dump has owners and privileges, they are left out: what is
 * restored belongs to the user who restores it.
 */
import type { ConnectionTarget, Session } from './connections.ts';
import type { DeferredObjects } from './filling.ts';
import type { Command } from './recipe.ts';

export interface Dumps {
  /** What can be restored, in words: the beginning of a sentence. */
  readonly kinds: string;
  /** Files of a folder by which a dump that is a folder is told, the most telling first. */
  readonly markers: readonly string[];
  /** Folders with client programs that are not on PATH; `*` stands for one name, the newest first. */
  readonly programFolders: readonly string[];
  /** Null when it is no dump of this engine. */
  recognise(file: DumpFile): Dump | null;
  /** What keeps this server from taking it, one sentence each with what to do; empty when nothing does. */
  obstacles(session: Session, facts: DumpFacts): Promise<readonly string[]>;
}

export interface DumpFile {
  readonly path: string;
  /** Bytes by name of the files of a folder; null for a file. */
  readonly entries: ReadonlyMap<string, number> | null;
  /** The first bytes, uncompressed: of the file, or of the folder's marker. Empty for an empty file. */
  readonly head: Buffer;
}

/** What a dump says of where it comes from. */
export interface DumpFacts {
  /** In the engine's words: "15.18", "11.8.6-MariaDB"; null when it does not say. */
  readonly serverVersion: string | null;
  readonly extensions: readonly string[];
}

export interface DumpBase {
  /** In words, with its versions: "a custom archive (1.14) of Postgres 15.18". */
  readonly description: string;
  /** As far as the first bytes tell. */
  readonly facts: DumpFacts;
  /** Programs of which any one restores it, the best first. */
  readonly programs: readonly string[];
  /** What to install when there is none. */
  readonly remedy: string;
  /** Bytes that tables and indexes take for each byte of it, uncompressed where `reads` is `stream`. */
  readonly growth: number;
  /** Advice for an error that a program printed; null when its own words are all there is. */
  adviceFor(output: string): string | null;
}

/** SQL text, which goes through the standard input of a client. */
export interface StreamedDump extends DumpBase {
  readonly reads: 'stream';
  restore(program: string, target: ConnectionTarget): Command;
  /**
   * The text without what is not for the rehearsal's server. Throws EnvironmentError when it ends too early, and
   * UsageError for what would reach beyond the rehearsed database.
   */
  filter(chunks: AsyncIterable<Buffer>, observer: StreamObserver): AsyncIterable<Buffer>;
}

export interface StreamObserver {
  /** Called when rows of a table begin. */
  readonly onTable: (name: string) => void;
  /** Called at most once per sentence: something was left out, or could not be checked. */
  readonly onNote: (text: string) => void;
}

/** A file or folder that the client opens by itself. */
export interface OpenedDump extends DumpBase {
  readonly reads: 'path';
  /** Prints what is in it, and thereby shows that the program can read it; null where there is no such command. */
  readonly contents: {
    command(program: string, path: string): Command;
    facts(listing: string): DumpFacts;
  } | null;
  /** Roles that policies and migrations may need: a command that prints where they are named, and what makes them. */
  readonly roles: {
    command(program: string, path: string): Command;
    create(sql: string): readonly string[];
  } | null;
  /**
   * Foreign keys that are checked after everything else, several at once; null where the program adds them itself. It adds
   * those of children of one parent one after the other, since each locks the parent.
   */
  readonly keys: {
    /** The listing without the keys, and the keys alone; null when there are none. */
    split(listing: string): { readonly others: string; readonly keys: string } | null;
    /** Prints the SQL of the items in the file `list`. */
    command(program: string, path: string, list: string): Command;
    stages(sql: string): DeferredObjects['restore'];
  } | null;
  /** Files of a folder whose text is not for the rehearsal's server as it stands; null where none is changed. */
  readonly rewriting: {
    concerns(name: string): boolean;
    rewritten(text: string): string;
    /** Said once when a text was changed. */
    readonly note: string;
  } | null;
  /** In this order. */
  steps(request: RestoreRequest): readonly RestoreStep[];
}

export type Dump = StreamedDump | OpenedDump;

export interface RestoreRequest {
  readonly program: string;
  readonly path: string;
  readonly target: ConnectionTarget;
  /** Rows and indexes that may be made at the same time. */
  readonly jobs: number;
  /** What {@link OpenedDump.contents} printed; empty where there is none. */
  readonly listing: string;
  /** File with what is to be restored of it; null restores everything. */
  readonly list: string | null;
}

export interface RestoreStep {
  /** "tables", "rows", "indexes and keys". */
  readonly title: string;
  readonly command: Command;
  /** For its standard input: a password where the program takes it in no other way; null gives none. */
  readonly input: string | null;
  /** Sum of the weights of all items that will be told; 0 when it is not known. */
  readonly weight: number;
  /** What a line of output tells; null when it tells nothing. */
  interpret(
    line: string,
  ): { readonly item: string; readonly finished: boolean; readonly weight: number } | null;
}
