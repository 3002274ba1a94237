/** `rehearse judge`: a stored recording held against today's budgets, without a database. */
import { resolve } from 'node:path';
import type { Judgement, Verdict } from '../checks/check.ts';
import { checks } from '../checks/index.ts';
import { judge } from '../judge.ts';
import type { Recording } from '../recording/recording.ts';
import { readRecording } from '../recording/store.ts';
import { resolveBudgets } from '../scenario/defaults.ts';
import { parseBudgetOptions } from '../scenario/overrides.ts';
import { onlyArgument, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { openReports, REPORT_HELP } from './reports.ts';

const help = `rehearse judge RECORDING [OPTIONS]

Judges a stored recording again, with other budgets or with the checks of this version. RECORDING is a recording.json
or the folder under reports/ that holds it. No database is needed, and the recording is not changed.

  --budget NAME=VALUE    a limit over that of the recording (lockWait=500ms, stall=1s, duration=15m, diskGrowthPeak=2x,
                         diskFree=40GB, failedOperations=0, latencyP99=5x, replicaLag=5s), repeatable; "none" takes one away
  ${REPORT_HELP}
  --no-color             no colour (NO_COLOR, FORCE_COLOR and TERM=dumb are respected too)

Examples:
  rehearse judge reports/orders-tax-rate/2026-03-02T09-14-07.512Z
  rehearse judge recording.json --budget lockWait=2s --budget failedOperations=10
  rehearse judge recording.json --report markdown=report.md --report terminal`;

const options = {
  budget: { type: 'string', multiple: true },
  report: { type: 'string', multiple: true },
  color: { type: 'boolean' },
} as const;

/** Exit code by verdict: what could not be judged is never a pass. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { pass: 0, fail: 1, inconclusive: 3 };

export const judgeCommand: Command = {
  name: 'judge',
  summary: "judge a stored recording again, with today's budgets",
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('judge', args, options);
    const path = resolve(io.cwd, onlyArgument('judge', 'RECORDING', positionals));
    const budgets = values.budget ?? [];
    parseBudgetOptions(budgets);
    await using reports = await openReports(values.report ?? [], io, values.color);
    const recording = await readRecording(path);
    const judgement = judgeWith(recording, budgets);
    await reports.write({ recording, judgement, checks });
    return EXIT_CODES[judgement.verdict];
  },
};

/** Judges with `name=value` budgets over those of the recording; UsageError for a wrong one. */
export function judgeWith(recording: Recording, budgetOptions: readonly string[]): Judgement {
  return judge(recording, resolveBudgets(parseBudgetOptions(budgetOptions), recording.budgets));
}
