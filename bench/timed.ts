/** A program of others, with the CPU time that it took. */
import { execa, type Options } from 'execa';

/** `times` of the shell (POSIX) tells the CPU time of its children in the second line. */
const TIMED = '"$0" "$@"; status=$?; times >&2; exit $status';

export interface TimedRun {
  readonly failed: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** User and system; null where the system does not tell. */
  readonly cpuMs: number | null;
}

/** Does not throw for a program that fails. */
export async function runTimed(
  program: string,
  args: readonly string[],
  options: Pick<Options, 'cwd' | 'env' | 'cancelSignal'>,
): Promise<TimedRun> {
  const { failed, stdout, stderr, shortMessage } = await execa('sh', ['-c', TIMED, program, ...args], {
    ...options,
    reject: false,
  });
  return {
    failed,
    stdout: String(stdout),
    stderr: String(stderr || shortMessage),
    cpuMs: cpuMsIn(String(stderr)),
  };
}

function cpuMsIn(times: string): number | null {
  const found = [...times.matchAll(/^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/gm)].at(-1);
  if (found === undefined) return null;
  const [userMinutes = 0, userSeconds = 0, systemMinutes = 0, systemSeconds = 0] = found.slice(1).map(Number);
  return ((userMinutes + systemMinutes) * 60 + userSeconds + systemSeconds) * 1000;
}
