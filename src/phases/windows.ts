/** Phases 5 to 7: warm-up, baseline, migrations under load, recovery. */
import { drillsStarted } from '../drills/index.ts';
import type { Engine } from '../engines/engine.ts';
import { type KeptSamples, refuseAboveCeiling } from '../load/index.ts';
import type { RunningLoad } from '../load/load.ts';
import { startCanaries, startObservers } from '../observers/index.ts';
import type { Progress } from '../progress.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { WindowName } from '../recording/recording.ts';
import { hideSecrets } from '../recording/secrets.ts';
import type { Plan } from '../scenario/plan.ts';
import { runMigrations } from '../tools/index.ts';
import type { Tool } from '../tools/tool.ts';
import { awaitReplica } from './caught-up.ts';
import { type CodeWatch, watchCode } from './code-versions.ts';
import type { Filled } from './fill.ts';
import { noteLockWaitLimit } from './lock-wait-limit.ts';
import { ledgerOf } from './pending.ts';
import type { StartedServer } from './provision.ts';
import { type RecordedLoad, startRecordedLoad } from './recorded-load.ts';
import { migrationWindowLength, watchRecovery } from './recovery.ts';
import type { StartedReplica } from './replica.ts';
import { underWayInWords } from './under-way.ts';
import { pause } from './wait.ts';

export interface WindowsRequest {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly tool: Tool;
  readonly started: StartedServer;
  readonly filled: Filled;
  /** The replica; null where none runs. */
  readonly following: StartedReplica['following'];
  /** Of the snapshot that holds the same rows; null where there is none. */
  readonly keptSamples: KeptSamples | null;
  readonly recorder: Recorder;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const PULSE_MS = 200;

export async function rehearseUnderLoad(request: WindowsRequest): Promise<void> {
  const { plan, engine, started, recorder } = request;
  await noteLockWaitLimit(request);
  await using observers = await startObservers({
    engine,
    server: started.server,
    roles: started.roles,
    recorder,
    ledgerTables: ledgerOf(request),
    replica: request.following,
    onUnderWay: (statement) =>
      request.progress.update('migration', underWayInWords(statement), statement.fraction),
  });
  await using load = await startRecordedLoad(request);
  await using code = await watchCode(request, load?.operations ?? []);
  await using canaries = await startCanaries({
    engine,
    server: started.server,
    roles: started.roles,
    recorder,
    tables: request.filled.tables,
    migrationTexts: request.filled.pending.flatMap(({ parts }) => parts.map(({ sql }) => sql)),
  });
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
  await canaries[Symbol.asyncDispose]();
  await load?.finish();
  await drills.finished();
  await awaitReplica({ ...request, roles: started.roles });
}

async function baseline(
  { plan, recorder, progress, signal }: WindowsRequest,
  load: RecordedLoad,
): Promise<number | null> {
  if (plan.load === null) return null;
  await pause(plan.load.warmUpMs, signal);
  progress.say('warm-up', 'probing how much the load could do at most');
  const { perSecond } = await load.probeCeiling();
  if ('notMeasured' in perSecond)
    recorder.add('notMeasured', { what: 'ceiling of the load', reason: perSecond.notMeasured });
  refuseAboveCeiling({ perSecond }, load.ratePerSecond);
  load.endWarmUp();
  recorder.enter('baseline');
  const close = await openWindow(recorder, load, 'baseline');
  progress.say('baseline', `the load alone, for ${plan.load.baselineMs / 1000} s`);
  let worstP99Ms: number | null = null;
  const until = recorder.now() + plan.load.baselineMs;
  try {
    while (recorder.now() < until) {
      await pause(Math.min(PULSE_MS, Math.max(1, until - recorder.now())), signal);
      const { recentP99Ms } = load.pulse();
      if (recentP99Ms !== null) worstP99Ms = Math.max(worstP99Ms ?? 0, recentP99Ms);
      progress.update(
        'baseline',
        p99InWords(worstP99Ms),
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
  load: RecordedLoad | null,
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
    await untilLongEnough(request, load, { startedAtMs, dueBefore });
  } finally {
    close();
  }
}

/** So that the percentiles of the migration window mean something however short the migration was. */
async function untilLongEnough(
  { recorder, progress, signal }: WindowsRequest,
  load: RecordedLoad | null,
  { startedAtMs, dueBefore }: { readonly startedAtMs: number; readonly dueBefore: number },
): Promise<void> {
  const ratePerSecond = load?.ratePerSecond ?? 0;
  for (;;) {
    const elapsedMs = recorder.now() - startedAtMs;
    const due = (load?.pulse().due ?? 0) - dueBefore;
    const length = migrationWindowLength(elapsedMs, load === null ? null : { due, ratePerSecond });
    if (length === 'at its limit')
      recorder.add(
        'notes',
        `only some ${due} operations were due in the migration window of ${(elapsedMs / 1000).toFixed(0)} s: a higher load.rate shows more`,
      );
    if (length !== 'too short') return;
    progress.update('migration', `${due} operations due so far`, null);
    await pause(PULSE_MS / 4, signal);
  }
}

async function recovery(
  request: WindowsRequest,
  load: RunningLoad | null,
  baselineP99Ms: number | null,
): Promise<void> {
  const { plan, recorder, progress, signal } = request;
  if (load === null || plan.load === null) return;
  const { recoveryMs } = plan.load;
  recorder.enter('recovery');
  const close = await openWindow(recorder, load, 'recovery');
  progress.say('recovery', `the load alone, for ${recoveryMs / 1000} s at most`);
  const startedAtMs = recorder.now();
  const pulseLateMs = plan.load.program === null ? 0 : recoveryMs;
  const watch = watchRecovery({ baselineP99Ms, limitMs: recoveryMs, pulseLateMs });
  try {
    for (;;) {
      await pause(PULSE_MS, signal);
      const elapsedMs = recorder.now() - startedAtMs;
      const pulse = load.pulse();
      progress.update('recovery', p99InWords(pulse.recentP99Ms), elapsedMs / recoveryMs);
      if (watch.isOver(elapsedMs, pulse)) break;
    }
  } finally {
    recorder.setRecovery(watch.record());
    close();
  }
}

function p99InWords(p99Ms: number | null): string {
  return p99Ms === null ? 'nothing answered in the last second' : `p99 ${p99Ms.toFixed(1)} ms`;
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
  const line = hideSecrets(text)
    .replace(/^\s*--.*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= STATEMENT_SHOWN ? line : `${line.slice(0, STATEMENT_SHOWN - 3)}...`;
}

/** What is left of 80 columns beside the phase. */
const STATEMENT_SHOWN = 66;
