/** A provisioner starts a database server, or takes a given one, and hands it over with its clean-up. */
import type { ConnectionTarget, Engine, SettingsProfile } from '../engines/engine.ts';
import type { ServerRole } from '../recording/recording.ts';
import type { DatabasePlan } from '../scenario/plan.ts';
import type { ProgramsInside } from './programs.ts';

export interface ServerRequest {
  readonly engine: Engine;
  readonly database: DatabasePlan;
  readonly role: ServerRole;
  /** Called with a line of progress for the user: what is being fetched, started, stopped. */
  readonly say: (message: string) => void;
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
}

export interface Provisioner {
  readonly name: string;
  /** Why it cannot be used on this machine, or null. Takes at most a few seconds. */
  unavailable(request: ServerRequest): Promise<string | null>;
  /** Hands over a server that is ready, in its filling profile where it is ours. */
  start(request: ServerRequest, signal: AbortSignal): Promise<Server>;
}
