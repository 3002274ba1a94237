/** A command of the command line: thin, it names parts and does no work of its own. */

/** What a command may use of the process; cli.ts alone holds the real ones. */
export interface CommandIo {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted with an InterruptedError on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** Printed by --help: usage, every option with its default, examples. */
  readonly help: string;
  /** `args` are those after the command's name; resolves to the exit code. */
  run(args: readonly string[], io: CommandIo): Promise<number>;
}
