/** Runs the command as a user would, from the sources, and keeps what it printed. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

export const checkout = fileURLToPath(new URL('..', import.meta.url));

export interface CommandRun {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Long enough for a rehearsal on a busy machine; a hang fails the test by this and not by luck. */
const DEFAULT_TIMEOUT_MS = 170_000;

export async function rehearse(args: readonly string[], options: CommandOptions = {}): Promise<CommandRun> {
  const { exitCode, stdout, stderr } = await startRehearse(args, options);
  return { exitCode, stdout, stderr };
}

/** The running command, for tests that send it signals. */
export function startRehearse(args: readonly string[], { cwd, env, timeoutMs }: CommandOptions = {}) {
  return execa(process.execPath, [`${checkout}bin/rehearse.js`, ...args], {
    cwd: cwd ?? checkout,
    env: { NO_COLOR: '1', TESTCONTAINERS_RYUK_DISABLED: 'true', ...env },
    timeout: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    killSignal: 'SIGTERM',
    reject: false,
    stripFinalNewline: false,
  });
}
