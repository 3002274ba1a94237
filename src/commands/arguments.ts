/** Arguments of a command, with one message for whatever is wrong with them. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';

/** As parseArgs of Node.js; UsageError names the option and the command whose help lists the right ones. */
export function parseArguments<const Options extends ParseArgsOptionsConfig>(
  command: string,
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, allowNegative: true });
  } catch (error) {
    // Node.js goes on with advice on arguments that begin with a hyphen, which no command here takes.
    const [message = ''] = (error instanceof Error ? error.message : String(error)).split('. To specify ');
    throw new UsageError(`${message.replace(/\.?$/, '.')} See rehearse ${command} --help.`);
  }
}

/** The one positional argument of a command; UsageError when there is none or there are more. */
export function onlyArgument(command: string, name: string, positionals: readonly string[]): string {
  const [first, ...more] = positionals;
  if (first !== undefined && more.length === 0) return first;
  const found =
    first === undefined ? 'it is missing' : `there are ${positionals.length}: ${positionals.join(', ')}`;
  throw new UsageError(
    `rehearse ${command} takes one ${name}, but ${found}. See rehearse ${command} --help.`,
  );
}
