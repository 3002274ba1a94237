/** The load record of another generator, with what its log cannot tell. Pure. */
import { type Figure, notMeasured } from '../../recording/figure.ts';
import type { GeneratorRecord, LoadRecord, OperationRecord } from '../../recording/recording.ts';
import type { LoadSettings } from '../../scenario/plan.ts';
import { scheduleLag } from '../self-check.ts';
import { SLOT_MS } from '../stamps/slots.ts';
import type { CpuClock } from './cpu.ts';
import type { LogFacts } from './tally-log.ts';

export interface ProgramFacts {
  readonly settings: LoadSettings;
  /** "pgbench 15.20". */
  readonly description: string;
  readonly died: GeneratorRecord['died'];
  readonly operations: readonly OperationRecord[];
  readonly facts: LogFacts;
  /** Start of the first window; null when there was none. */
  readonly fromMs: number | null;
  readonly toMs: number;
  readonly cpu: CpuClock | null;
  /** Messages of clients that did not go on. */
  readonly lostClients: readonly string[];
  readonly clients: number;
  readonly limits: readonly string[];
}

/** So many mean gaps without a taken operation before the end, and some were due that no client took. */
const UNTAKEN_GAPS = 20;

export function recordOf(program: ProgramFacts): LoadRecord {
  const { settings, facts, fromMs, toMs, cpu, died } = program;
  const { tallies, slots, stalls } = facts;
  const sum = (of: 'due' | 'completed'): number =>
    tallies.reduce((total, { window }) => total + window[of], 0);
  const seconds = fromMs === null ? 0 : ((died?.atMs ?? toMs) - fromMs) / 1000;
  const cores: Figure = cpu === null ? notMeasured('the generator did not start') : cpu.cores();
  return {
    ratePerSecond: settings.ratePerSecond,
    arrivals: 'poisson',
    arrivalsHash: null,
    generator: { description: program.description, died, limits: limitsOf(program) },
    pool: settings.pool,
    statementTimeoutMs: settings.statementTimeoutMs,
    operations: program.operations,
    windows: tallies.map(({ window }) => window),
    latencies: tallies.flatMap(({ latencies }) => latencies),
    outcomes: tallies.flatMap(({ outcomes }) => outcomes),
    slotMs: SLOT_MS,
    slots,
    stalls,
    selfCheck: {
      offeredPerSecond: seconds > 0 ? sum('due') / seconds : 0,
      achievedPerSecond: seconds > 0 ? sum('completed') / seconds : 0,
      scheduleLagMsP99: scheduleLag(tallies.flatMap(({ latencies }) => latencies)),
      eventLoopDelayMsP99: notMeasured(`${program.description} has no event loop of ours`),
      // It has one thread.
      utilization: cores,
      cpuCores: cores,
    },
  };
}

function limitsOf({ settings, facts, toMs, died, clients, lostClients, limits, description }: ProgramFacts) {
  const said = [...limits];
  const dropped = facts.tallies.reduce((total, { window }) => total + window.dropped, 0);
  const failed = facts.tallies.reduce((total, { window }) => total + window.failed, 0);
  const uncoded = facts.tallies
    .flatMap(({ outcomes }) => outcomes)
    .some(({ outcome, code }) => outcome !== 'dropped' && code === null);
  if (dropped > 0)
    said.push(
      'The log does not say when a skipped operation was due: they are spread evenly over that time.',
    );
  if (failed > 0)
    said.push(
      'The log does not say when a failed operation was due: they count at the instant of the failure.',
    );
  if (uncoded)
    said.push(
      `${description} prints no code of most errors: their causes are read from the server's words, which have to be English.`,
    );
  const endMs = died?.atMs ?? toMs;
  const untakenMs = facts.lastDueMs === null ? 0 : endMs - facts.lastDueMs;
  if (untakenMs > (UNTAKEN_GAPS * 1000) / settings.ratePerSecond)
    said.push(
      `About ${Math.round((untakenMs / 1000) * settings.ratePerSecond)} operations were due in the last ` +
        `${Math.round(untakenMs)} ms that no client had taken: they are in no count.`,
    );
  if (lostClients.length > 0)
    said.push(
      `${lostClients.length} of ${clients} clients of ${description} ended at an error, where an application goes on: ` +
        `the others carried the load (first: ${lostClients[0]}).`,
    );
  return said;
}
