/** `rehearse report`: a stored recording in another format. */
import { resolve } from 'node:path';
import { checks } from '../checks/index.ts';
import { judge } from '../judge.ts';
import { readRecording } from '../recording/store.ts';
import { onlyArgument, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { openReports, REPORT_HELP } from './reports.ts';

const help = `rehearse report RECORDING [OPTIONS]

Renders a stored recording, judged by the budgets it was rehearsed with. RECORDING is a recording.json or the folder
under reports/ that holds it. Exits 0 whatever the verdict; "rehearse judge" exits by it.

  ${REPORT_HELP}
  --no-color             no colour (NO_COLOR, FORCE_COLOR and TERM=dumb are respected too)

Examples:
  rehearse report reports/orders-tax-rate/2026-03-02T09-14-07.512Z
  rehearse report recording.json --report markdown=- >> "$GITHUB_STEP_SUMMARY"
  rehearse report recording.json --report json | jq '.judgement.findings[].checkId'`;

const options = {
  report: { type: 'string', multiple: true },
  color: { type: 'boolean' },
} as const;

export const reportCommand: Command = {
  name: 'report',
  summary: 'render a stored recording in another format',
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('report', args, options);
    const path = resolve(io.cwd, onlyArgument('report', 'RECORDING', positionals));
    await using reports = await openReports(values.report ?? [], io, values.color);
    const recording = await readRecording(path);
    await reports.write({ recording, judgement: judge(recording), checks });
    return 0;
  },
};
