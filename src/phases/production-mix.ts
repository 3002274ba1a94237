/** What the load repeats of production's statements, how fast, and how near its calls come. */
import type { Session } from '../engines/engine.ts';
import { callsPerSecond, measureRowsPerCall, type PlannedOperations, replayedShare } from '../load/index.ts';
import type { Profile } from '../profile/profile.ts';
import type { MixRecord } from '../recording/recording.ts';
import type { LoadSettings } from '../scenario/plan.ts';
import type { WindowsRequest } from './windows.ts';

/** Of one call, and of all of them together: 200 operations of 20 calls with 5 ms each take 20 s. */
const CALL_LIMIT_MS = 2000;
const CALLS_LIMIT_MS = 20_000;
/** Below it, a profile is of a server that hardly anybody uses, and a rehearsal of minutes would see nothing. */
const LEAST_RATE = 1;

/** Calls each operation before the load begins, tells all of it to the recorder, and gives the rate of the load. */
export async function recordMix(
  request: WindowsRequest,
  { profile, planned }: { readonly profile: Profile; readonly planned: PlannedOperations },
  settings: LoadSettings,
): Promise<number> {
  const { mix } = planned;
  if (mix === null) return settings.ratePerSecond;
  const { recorder, progress } = request;
  progress.say('warm-up', "calling production's statements to count their rows");
  const ours = await measureRowsPerCall({
    connect: () => connectForCalls(request),
    operations: planned.operations,
    keyPools: planned.keyPools,
    generator: request.filled.generator,
    randomSeed: request.plan.data.randomSeed,
    limitMs: CALLS_LIMIT_MS,
    signal: request.signal,
  });
  const production = callsPerSecond(profile);
  const share = replayedShare({ statements: mix });
  const rate = (production ?? 0) * share;
  const taken = !settings.rateIsWritten && rate >= LEAST_RATE;
  recorder.setMix({
    capturedAt: profile.capturedAt,
    callsPerSecond: production,
    rateFrom: taken ? 'profile' : settings.rateIsWritten ? 'scenario' : 'default',
    statements: mix.map((statement) => {
      const figure = 'operation' in statement.replayed ? ours.get(statement.replayed.operation) : undefined;
      return figure === undefined
        ? statement
        : { ...statement, rowsPerCall: { ...statement.rowsPerCall, ours: figure } };
    }),
  });
  for (const note of notesOf(mix, share)) recorder.add('notes', note);
  // Three digits: more would tell of the instant of the capture.
  return taken ? Number(rate.toPrecision(3)) : settings.ratePerSecond;
}

function connectForCalls({ engine, started, signal }: WindowsRequest): Promise<Session> {
  return engine.connections.connect(
    started.roles.load,
    { applicationName: 'rehearse rows per call', statementTimeoutMs: CALL_LIMIT_MS },
    signal,
  );
}

function notesOf(statements: MixRecord['statements'], share: number): readonly string[] {
  const left = statements.filter(({ replayed }) => 'reason' in replayed).length;
  const percent = (100 * share).toFixed(share > 0.995 && share < 1 ? 2 : 0);
  return [
    `The load repeats ${statements.length - left} of ${statements.length} statements of the profile, ${percent} % of its ` +
      'calls. Each is a transaction of its own, since the statistics do not tell which belong together: where production ' +
      'holds a lock over several, it is held shorter here.',
  ];
}
