/** Phases 5 to 7: warm-up, baseline, migrations under load, recovery. */
import { drillsStarted } from '../drills/index.ts';
import type { Engine } from '../engines/engine.ts';
import { refuseAboveCeiling } from '../load/index.ts';
import type { RunningLoad } from '../load/load.ts';
import { startObservers } from '../observers/index.ts';
import type { Progress } from '../progress.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { WindowName } from '../recording/recording.ts';
import type { Plan } from '../scenario/plan.ts';
import { runMigrations } from '../tools/index.ts';
import type { Tool } from '../tools/tool.ts';
import { type CodeWatch, watchCode } from './code-versions.ts';
import type { Filled } from './fill.ts';
import { noteLockWaitLimit } from './lock-wait-limit.ts';
import type { StartedServer } from './provision.ts';
import { startRecordedLoad } from './recorded-load.ts';
import { pause } from './wait.ts';

export interface WindowsRequest {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly tool: Tool;
  readonly started: StartedServer;
  readonly filled: Filled;
  readonly recorder: Recorder;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The migration window lasts at least this long... */
const MIGRATION_WINDOW_MIN_MS = 1000;
/** ...and until this many operations were due in it, so that its percentiles mean something (or the limit below). */
const MIGRATION_WINDOW_MIN_OPERATIONS = 100;
/** A load of one operation a second would need 100 s for them; this is enough to see that nothing is blocked. */
const MIGRATION_WINDOW_WAIT_LIMIT_MS = 15_000;
const PULSE_MS = 200;
/** Back to normal: p99 of the last second within this factor of the worst second of the baseline. */
const RECOVERED_FACTOR = 1.2;
const RECOVERY_MIN_MS = 1000;

export async function rehearseUnderLoad(request: WindowsRequest): Promise<void> {
  const { plan, engine, started, recorder } = request;
  await noteLockWaitLimit(request);
  await using observers = await startObservers({
    engine,
    server: started.server,
    roles: started.roles,
    recorder,
  });
  await using load = await startRecordedLoad(request);
  await using code = await watchCode(request, load?.operations ?? []);
  const baselineP99Ms = load === null ? null : await baseline(request, load);
  await code?.beforeSteps();

  const windowOpensInMs = Math.max(0, ...plan.drills.map(({ atMs }) => -atMs));
  await using drills = await drillsStarted(
    { plan, engine, roles: started.roles, recorder, tables: request.filled.tables, windowOpensInMs },
    request.signal,
  );
  await pause(windowOpensInMs, request.signal);
  await migrationWindow(request, load, { observers, code });
  await recovery(request, load, baselineP99Ms);
  await load?.finish();
  await drills.finished();
}

async function baseline(
  { plan, recorder, progress, signal }: WindowsRequest,
  load: RunningLoad,
): Promise<number> {
  if (plan.load === null) return 0;
  await pause(plan.load.warmUpMs, signal);
  progress.say('warm-up', 'probing how much the load could do at most');
  const { perSecond } = await load.probeCeiling();
  if ('notMeasured' in perSecond)
    recorder.add('notMeasured', { what: 'ceiling of the load', reason: perSecond.notMeasured });
  refuseAboveCeiling({ perSecond }, plan.load.ratePerSecond);
  recorder.enter('baseline');
  const close = await openWindow(recorder, load, 'baseline');
  progress.say('baseline', `the load alone, for ${plan.load.baselineMs / 1000} s`);
  let worstP99Ms = 0;
  const until = recorder.now() + plan.load.baselineMs;
  try {
    while (recorder.now() < until) {
      await pause(Math.min(PULSE_MS, Math.max(1, until - recorder.now())), signal);
      worstP99Ms = Math.max(worstP99Ms, load.pulse().recentP99Ms ?? 0);
      progress.update(
        'baseline',
        `p99 ${worstP99Ms.toFixed(1)} ms`,
        1 - (until - recorder.now()) / plan.load.baselineMs,
      );
    }
  } finally {
    close();
  }
  return worstP99Ms;
}

interface Lookers {
  readonly observers: Awaited<ReturnType<typeof startObservers>>;
  readonly code: CodeWatch | null;
}

async function migrationWindow(
  request: WindowsRequest,
  load: RunningLoad | null,
  { observers, code }: Lookers,
): Promise<void> {
  const { plan, engine, tool, started, filled, recorder, progress, signal } = request;
  recorder.enter('migration');
  progress.say('migration', `running ${filled.pending.map(({ file }) => file).join(', ')}`);
  const startedAtMs = recorder.now();
  const dueBefore = load?.pulse().due ?? 0;
  const close = await openWindow(recorder, load, 'migration');
  try {
    await observers.beforeSteps();
    await runMigrations({
      engine,
      tool,
      flavor: plan.database.flavor,
      target: started.roles.migrator,
      pending: filled.pending,
      settings: plan.migrations,
      recorder,
      onStatement: (text) => progress.say('migration', oneLine(text)),
      afterStep: async (step) => {
        await observers.afterStep(step);
        await code?.afterStep(step);
      },
      signal,
    });
    await code?.afterSteps();
    const enough = (): boolean =>
      recorder.now() - startedAtMs >= MIGRATION_WINDOW_MIN_MS &&
      (load === null || load.pulse().due - dueBefore >= MIGRATION_WINDOW_MIN_OPERATIONS);
    while (!enough() && recorder.now() - startedAtMs < MIGRATION_WINDOW_WAIT_LIMIT_MS)
      await pause(50, signal);
  } finally {
    close();
  }
}

async function recovery(
  request: WindowsRequest,
  load: RunningLoad | null,
  baselineP99Ms: number | null,
): Promise<void> {
  const { plan, recorder, progress, signal } = request;
  if (load === null || plan.load === null || baselineP99Ms === null) return;
  recorder.enter('recovery');
  const close = await openWindow(recorder, load, 'recovery');
  progress.say('recovery', `the load alone, for ${plan.load.recoveryMs / 1000} s at most`);
  const startedAtMs = recorder.now();
  try {
    for (;;) {
      await pause(PULSE_MS, signal);
      const elapsed = recorder.now() - startedAtMs;
      const { recentP99Ms, poolQueue } = load.pulse();
      const calm = recentP99Ms !== null && recentP99Ms <= baselineP99Ms * RECOVERED_FACTOR && poolQueue === 0;
      progress.update(
        'recovery',
        recentP99Ms === null ? 'nothing answered in the last second' : `p99 ${recentP99Ms.toFixed(1)} ms`,
        elapsed / plan.load.recoveryMs,
      );
      if (elapsed >= plan.load.recoveryMs || (calm && elapsed >= RECOVERY_MIN_MS)) break;
    }
  } finally {
    close();
  }
}

/** Opens a window at the load's own instant; the returned function records where it ended. */
async function openWindow(
  recorder: Recorder,
  load: RunningLoad | null,
  name: WindowName,
): Promise<() => void> {
  const startedAtMs = load === null ? recorder.now() : await load.open(name);
  return () => recorder.setWindow({ name, startedAtMs, endedAtMs: recorder.now() });
}

/** A statement as one line of progress. */
function oneLine(text: string): string {
  const line = text
    .replace(/^\s*--.*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= STATEMENT_SHOWN ? line : `${line.slice(0, STATEMENT_SHOWN - 3)}...`;
}

/** What is left of 80 columns beside the phase. */
const STATEMENT_SHOWN = 66;
