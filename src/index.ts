/**
 * The public API of migration-rehearsal.
 *
 *     const recording = await rehearse('scenarios/orders-tax-rate');
 *     const judgement = judge(recording, { ...recording.budgets, lockWaitMs: 200 });
 *     console.log(render(recording, judgement, 'markdown'));
 */
import type { Judgement } from './checks/check.ts';
import { checks } from './checks/index.ts';
import { planScenario } from './planning.ts';
import { type Progress, silentProgress } from './progress.ts';
import type { Recording } from './recording/recording.ts';
import { rehearse as runRehearsal } from './rehearse.ts';
import { renderReport } from './reporters/index.ts';
import { checkScenario } from './scenario/load.ts';
import type { Overrides } from './scenario/overrides.ts';
import type { Scenario } from './scenario/scenario.ts';

export type { Check, Finding, Judgement, Unit, Verdict } from './checks/check.ts';
export { EnvironmentError, InterruptedError, UsageError } from './errors.ts';
export { judge } from './judge.ts';
export type { Progress } from './progress.ts';
export type { Figure } from './recording/figure.ts';
export type * from './recording/recording.ts';
export { readRecording, writeRecording } from './recording/store.ts';
export { defineScenario, type Scenario } from './scenario/scenario.ts';

export interface RehearseCall {
  /** What the command line's options would say, over the scenario. */
  readonly overrides?: Overrides;
  /** Relative paths are resolved against it; default: the process's working directory. */
  readonly directory?: string;
  readonly progress?: Progress;
  /** Abort it to stop: the server is removed and the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Rehearses a scenario, given as a path or as what a scenario file holds, and returns the recording. Rejects with a
 * UsageError or an EnvironmentError when the rehearsal could not be completed; a migration that fails is no error but
 * a step of the recording.
 */
export async function rehearse(scenario: string | Scenario, call: RehearseCall = {}): Promise<Recording> {
  const directory = call.directory ?? process.cwd();
  const { plan } = await planScenario({
    scenario: typeof scenario === 'string' ? scenario : checkScenario(scenario, directory),
    overrides: call.overrides ?? {},
    workingDirectory: directory,
    environment: process.env,
  });
  const { recording, trouble } = await runRehearsal(plan, {
    progress: call.progress ?? silentProgress,
    signal: call.signal ?? new AbortController().signal,
  });
  if (trouble !== null) throw trouble.error;
  return recording;
}

export interface RenderCall {
  readonly colour?: boolean;
  /** Columns; default 80. */
  readonly width?: number;
}

/** Renders a judged recording in a format of `rehearse run --report`: terminal, markdown, json. */
export function render(
  recording: Recording,
  judgement: Judgement,
  format: string,
  call: RenderCall = {},
): string {
  return renderReport({ recording, judgement, checks }, format, {
    colour: call.colour ?? false,
    width: call.width ?? 80,
  });
}

/** Judges a recording with budgets other than its own. */
export type { Budgets } from './recording/recording.ts';
