/** A provisioner starts a database server, or takes a given one, and hands it over with its clean-up. */
import type {
  ConnectionTarget,
  Engine,
  PrimaryAddress,
  ReplicaPreparation,
  SettingsProfile,
} from '../engines/engine.ts';
import type { ServerRole } from '../recording/recording.ts';
import type { DatabasePlan } from '../scenario/plan.ts';
import type { ProgramsInside } from './programs.ts';

export interface ServerRequest {
  readonly engine: Engine;
  readonly database: DatabasePlan;
  readonly role: ServerRole;
  /** Called with a line of progress for the user: what is being fetched, started, stopped. */
  readonly say: (message: string) => void;
  /** Data that was kept, of which the server gets a private copy; `null` makes an empty data directory. */
  readonly fork: Fork | null;
}

/** A data directory that is kept while no server runs on it: a folder of its own, or a volume of the Docker engine. */
export type KeptData =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'volume'; readonly name: string };

export interface Fork {
  readonly data: KeptData;
  /** Of the rehearsal profile with which the data was kept. */
  readonly settings: Readonly<Record<string, string>>;
}

/** How a data directory was copied. */
export interface DataCopy {
  /** `clone`: by reference, which the file system takes care of. `copy`: byte by byte. */
  readonly method: 'clone' | 'copy';
  /** Until all of it is on the disk, so that nothing is written out in the middle of the baseline. */
  readonly durationMs: number;
  readonly bytes: number;
}

/** Servers of one build can take over each other's data directories. */
export interface Keeping {
  /** Everything about the server that data directories depend on, in words. */
  readonly build: string;
  /** Where data would be kept: below the folder given, or in a volume whose name no one else has. */
  place(folder: string): KeptData;
}

export interface Server extends AsyncDisposable {
  readonly role: ServerRole;
  /** The superuser's way in, or the given user's on an external server. It stays the same over restarts. */
  readonly administrator: ConnectionTarget;
  readonly version: string;
  readonly description: string;
  /** Path of the data directory that this process can read, or why there is none. */
  readonly dataDirectory: { readonly path: string } | { readonly missing: string };
  /** Its own client programs: a folder on this machine, where some may be missing, or a place beside it; null when unknown. */
  readonly programs: { readonly directory: string } | ProgramsInside | null;
  /** Name of the database to rehearse in. */
  readonly database: string;
  /** Goes over to a profile with a clean restart; a no-op with a note where the server is not ours. */
  useProfile(profile: SettingsProfile): Promise<void>;
  /** How the kept data was copied for it; null where its data directory was made anew. */
  readonly forked: DataCopy | null;
  /**
   * Stops the server cleanly, copies its data directory to a place that is empty, and starts it again. Only for a
   * provisioner that can keep data ({@link Provisioner.keeping}).
   */
  keep(place: KeptData): Promise<DataCopy>;
  /**
   * Stops the server cleanly, copies its data directory, starts it again, and starts another server on the copy that follows
   * it; or why there can be none. Wanted of a server whose request asked for it (`database.replica`).
   */
  readonly replica: ((following: Following) => Promise<Server>) | { readonly missing: string };
}

/** How a replica is to follow. */
export interface Following {
  readonly say: (message: string) => void;
  /** Called when the copy is made and the primary runs again; it says what the copy needs. */
  prepare(address: PrimaryAddress): Promise<ReplicaPreparation>;
}

export interface Provisioner {
  readonly name: string;
  /** Why it cannot be used on this machine, or null. Takes at most a few seconds. */
  unavailable(request: ServerRequest): Promise<string | null>;
  /** Gets the programs or the image that it lacks; nothing where they are here. EnvironmentError when they cannot be had. */
  fetch(request: ServerRequest, signal: AbortSignal): Promise<void>;
  /** How data directories of its servers can be kept, or why they cannot; may fetch what `start` would fetch. */
  keeping(request: ServerRequest, signal: AbortSignal): Promise<Keeping | { readonly missing: string }>;
  /** Hands over a server that is ready, in its filling profile where it is ours. */
  start(request: ServerRequest, signal: AbortSignal): Promise<Server>;
}
