/** Whether to write in colour, and how wide: one answer for every command. */
import type { CommandIo } from './command.ts';

type Output = CommandIo['stdout'];
type Environment = CommandIo['env'];

const DEFAULT_COLUMNS = 80;

/**
 * --color and --no-color decide (`flag`), then FORCE_COLOR as Node.js reads it (0 and false are off), then NO_COLOR
 * (no-color.org: set and not empty), TERM=dumb and CI; else colour is for terminals.
 */
export function colourWanted(output: Output, env: Environment, flag: boolean | undefined): boolean {
  if (flag !== undefined) return flag;
  if (env.FORCE_COLOR !== undefined) return !['0', 'false'].includes(env.FORCE_COLOR.toLowerCase());
  if (isSet(env.NO_COLOR) || env.TERM === 'dumb') return false;
  return output.isTTY === true && !isSet(env.CI);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

/** Columns of the terminal; COLUMNS where the output is none, else 80. */
export function columnsOf(output: Output, env: Environment): number {
  const said = Number(env.COLUMNS);
  if (output.columns !== undefined && output.columns > 0) return output.columns;
  return Number.isInteger(said) && said > 0 ? said : DEFAULT_COLUMNS;
}
