/** `rehearse checks`: what is checked, and what to do when a check fails. */
import type { Check } from '../checks/check.ts';
import { checks, findCheck } from '../checks/index.ts';
import { UsageError } from '../errors.ts';
import { hanging } from '../reporters/layout.ts';
import { onlyArgument, parseArguments } from './arguments.ts';
import { columnsOf } from './colour.ts';
import type { Command } from './command.ts';
import { writeTo } from './reports.ts';

const help = `rehearse checks [ID]

Lists the checks, or explains one: its condition, its effect on the users of the application, and the way out.

Examples:
  rehearse checks
  rehearse checks lock-wait`;

/** Longer lines are hard to read, however wide the terminal is. */
const WIDEST = 100;

export const checksCommand: Command = {
  name: 'checks',
  summary: 'what is checked: condition, effect, workaround',
  help,
  async run(args, io) {
    const { positionals } = parseArguments('checks', args, {});
    const width = Math.min(WIDEST, columnsOf(io.stdout, io.env));
    const id = positionals.length === 0 ? null : onlyArgument('checks', 'ID', positionals);
    await writeTo(io.stdout, id === null ? overview(width) : explained(known(id), width));
    return 0;
  },
};

function known(id: string): Check {
  const check = findCheck(id);
  if (check !== null) return check;
  throw new UsageError(
    `There is no check "${id}". It is one of: ${checks.map((each) => each.id).join(', ')}.`,
  );
}

function overview(width: number): string {
  const idWidth = Math.max(...checks.map(({ id }) => id.length));
  const lines = checks.flatMap(({ id, title }) => hanging(`${id.padEnd(idWidth)}  `, title, width));
  return `${[...lines, '', '"rehearse checks ID" explains one.'].join('\n')}\n`;
}

function explained({ id, title, condition, effect, workaround }: Check, width: number): string {
  const lines = [
    `${id}: ${title}`,
    '',
    ...hanging('condition   ', condition, width),
    ...hanging('effect      ', effect, width),
    ...hanging('workaround  ', workaround, width),
  ];
  return `${lines.join('\n')}\n`;
}
