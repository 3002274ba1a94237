/** How a server of an engine is made, started and set; read by the provisioners. */
import type { ConnectionTarget, Session } from './connections.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Text for its standard input; nothing when left out. */
  readonly input?: string;
}

/** `filling` is fast and unsafe; `rehearsal` is production-like. */
export type SettingsProfile = 'filling' | 'rehearsal';

/** Binaries of a server on this machine. */
export interface Installation {
  /** As its own `--version` says. */
  readonly flavor: string;
  /** Root of the binaries. */
  readonly root: string;
  /** Folder of the server's program, below `root` or not. */
  readonly binDirectory: string;
  readonly version: string;
  readonly description: string;
  /** Arguments that only some builds know, for the command that makes the data directory. */
  readonly initialiseArguments: readonly string[];
  /**
   * What a private copy of `root` needs when the binaries cannot run where they are: a name for the copy, unique for
   * this build, and links to be made in it. `null`: they run where they are.
   */
  readonly copy: { readonly name: string; readonly links: readonly InstallationLink[] } | null;
}

/** Both relative to the root of the installation, with `/`. */
export interface InstallationLink {
  readonly path: string;
  /** The file that the link stands for. */
  readonly target: string;
}

export interface LocateRequest {
  readonly flavor: string;
  readonly version: string | null;
  /** `database.binary` of the scenario. */
  readonly binary: string | null;
  readonly cacheDirectory: string;
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
}

export interface EmbeddedLayout {
  /** All absolute; the data directory does not exist yet when `initialise` is called. */
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly port: number;
  /** There while `initialise` runs. */
  readonly passwordFile: string;
  readonly password: string;
  /** What {@link ServerRecipe.applySettings} has written; empty at the first start. */
  readonly settingsFile: string;
}

export interface ServerRecipe {
  defaultVersion(flavor: string): string;
  /** The flavor of a server by what its `version()` says. */
  flavorOf(version: string): string;
  /** Settings of a profile; the user's own win in both profiles. */
  settings(
    profile: SettingsProfile,
    wanted: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>>;
  /**
   * Makes settings permanent, through SQL or in the settings file that `write` replaces; they hold after the next
   * restart. UsageError for a wrong one.
   */
  applySettings(
    session: Session,
    settings: Readonly<Record<string, string>>,
    write: (text: string) => Promise<void>,
  ): Promise<void>;
  /** True for a setting that changes how a server runs and nothing of what it stores: data filled without it is the same. */
  isRuntimeSetting(name: string): boolean;
  readonly container: {
    image(flavor: string, version: string): string;
    readonly port: number;
    readonly dataDirectory: string;
    /** A file that the image's server reads at each start; null where the engine needs none. */
    readonly settingsFile: string | null;
    readonly administrator: { readonly user: string; readonly database: string };
    environment(password: string): Readonly<Record<string, string>>;
    readonly command: readonly string[];
    /** The same for a server on another port than `port`, which reads a further settings file where it is not null. */
    commandOnPort(port: number, settingsFile: string | null): readonly string[];
    /**
     * What gives the superuser of a data directory that is there a new password: files that are put into the container
     * before it starts, and a command that is run inside once the server answers (null: none is needed).
     */
    renew(password: string): {
      readonly files: readonly { readonly path: string; readonly text: string }[];
      readonly command: readonly string[] | null;
    };
  };
  readonly embedded: {
    /** Why no such server can be had on this machine, or null; quick, and downloads nothing. */
    missing(
      request: Pick<LocateRequest, 'flavor' | 'version' | 'binary' | 'cacheDirectory'>,
    ): Promise<string | null>;
    /** Finds the binaries, or fetches them into the cache; EnvironmentError says why it cannot. */
    locate(request: LocateRequest): Promise<Installation>;
    /** Commands that make the data directory, in order. */
    initialise(installation: Installation, layout: EmbeddedLayout): readonly Command[];
    /** Commands that give the superuser of a data directory that is there the layout's password, before its first start. */
    renew(installation: Installation, layout: EmbeddedLayout): readonly Command[];
    start(installation: Installation, layout: EmbeddedLayout): Command;
    /** Asks the server to stop at once but cleanly. */
    readonly stopSignal: NodeJS.Signals;
    administrator(layout: EmbeddedLayout): ConnectionTarget;
  };
}
