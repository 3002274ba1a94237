/** argv -> command; errors -> exit codes. The only file that knows process.argv and process.exitCode. */
import type { Command } from './commands/command.ts';
import { commands } from './commands/index.ts';
import { exitCodeOf, explain, InterruptedError, UsageError } from './errors.ts';
import { harnessVersion } from './version.ts';

const EXIT_CODES = `Exit codes:
  0    every budget held, or what was asked for is done
  1    a budget exceeded, a migration failed, or a filling out of tolerance
  2    wrong usage or scenario
  3    could not rehearse, or inconclusive: what could not be measured is never a pass
  130  interrupted`;

export async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2);
  const interruption = new AbortController();
  const stopListening = listenForSignals(interruption);
  process.stdout.on('error', onOutputError);
  process.stderr.on('error', onOutputError);
  try {
    process.exitCode = await dispatch(name, rest, interruption.signal);
  } catch (error) {
    process.stderr.write(`rehearse: ${explain(error)}\n`);
    process.exitCode = exitCodeOf(error);
  } finally {
    stopListening();
  }
}

async function dispatch(
  name: string | undefined,
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${harnessVersion()}\n`);
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const asked = name === 'help' ? args[0] : undefined;
    process.stdout.write(asked === undefined ? overview() : `${helpOf(find(asked))}\n`);
    return name === undefined ? 2 : 0;
  }
  const command = find(name);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${helpOf(command)}\n`);
    return 0;
  }
  return command.run(args, {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal,
  });
}

function find(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const known = commands.map((candidate) => candidate.name).join(', ');
  throw new UsageError(`unknown command "${name}": it is one of ${known}. See rehearse --help.`);
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `rehearse: run database migrations at production volume, under load, before production does

Usage: rehearse COMMAND [OPTIONS]

Commands:
${lines.join('\n')}

"rehearse COMMAND --help" tells more. Start with "rehearse init" in your project, then "rehearse run".

${EXIT_CODES}
`;
}

function helpOf(command: Command): string {
  return `${command.help}\n\n${EXIT_CODES}`;
}

/** A reader that went away (| head) has had enough, and the work goes on; whoever writes a report listens for the rest. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || process.stdout.listenerCount('error') > 1) return;
  process.stderr.write(`rehearse: the output cannot be written: ${error.message}\n`);
  process.exitCode = 3;
}

/** The first signal asks for a clean stop; the third one gives up on it. */
function listenForSignals(interruption: AbortController): () => void {
  let count = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    count += 1;
    if (count === 1) {
      process.stderr.write(
        `\nrehearse: ${signal}: stopping; the recording so far is kept and the server removed\n`,
      );
      interruption.abort(new InterruptedError(signal));
    } else if (count >= 3) {
      process.stderr.write('rehearse: giving up on a clean stop; "rehearse doctor" removes what is left\n');
      process.exit(130);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
