/** A command that runs, and what it has said so far: for tests that send it signals. */
import type { Sandbox } from './sandbox.ts';
import { eventually } from './server.ts';

/** A first start of a server on a busy machine, and what comes before the phase that is waited for. */
const SAYS_LIMIT_MS = 90_000;

/** Starts the command and waits until its progress on stderr has come so far. */
export async function startedUntil(
  sandbox: Sandbox,
  args: readonly string[],
  progress: RegExp,
  env: Readonly<Record<string, string>> = {},
) {
  const command = sandbox.start(args, env);
  let said = '';
  let hasEnded = false;
  command.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const ended = command.finally(() => {
    hasEnded = true;
  });
  const says = (words: RegExp): Promise<true> =>
    eventually(
      `"${words.source}" on stderr`,
      () => {
        if (words.test(said)) return true;
        if (hasEnded) throw new Error(`the command ended before it said "${words.source}":\n${said}`);
        return null;
      },
      SAYS_LIMIT_MS,
    );
  await says(progress);
  return { pid: command.pid, kill: (signal: NodeJS.Signals) => command.kill(signal), says, ended };
}
