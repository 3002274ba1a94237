/** After filling from a profile: the server's own statistics, read as production's were, held against the profile. */
import { EnvironmentError, UsageError } from '../errors.ts';
import type { Profile } from '../profile/profile.ts';
import type { Plan } from '../scenario/plan.ts';
import { type Comparison, verifyFilling } from '../verify/index.ts';
import type { Filled, FillRequest } from './fill.ts';
import { openAs } from './pending.ts';
import { profileOf } from './profile.ts';

/** Reading the statistics of a large schema takes seconds; counting is bounded by the signal alone. */
const STATEMENT_TIMEOUT_MS = 600_000;

/** UsageError for a plan without a profile, before anything is started. */
export async function profileToVerify(plan: Plan): Promise<Profile> {
  const profile = await profileOf(plan);
  if (profile !== null) return profile;
  throw new UsageError(
    `${plan.name}: --verify holds the rows against a profile, and there is none: set data.profile (--profile FILE), ` +
      'which "rehearse capture" makes.',
  );
}

/** On a server that has settled: its statistics are of the rows as they are. */
export async function verifyFilled(
  request: FillRequest,
  { tables }: Filled,
  profile: Profile,
): Promise<readonly Comparison[]> {
  const { engine, plan, started, progress, recorder, signal } = request;
  if (engine.capture === undefined)
    throw new EnvironmentError(
      `the rows cannot be verified: statistics of ${engine.name} cannot be read here`,
    );
  const say = (message: string): void => progress.say(recorder.phase, message);
  const facts = await engine.capture.read({
    target: started.roles.administrator,
    schemas: [],
    // In memory only: the values of a profile that has some are held against ours.
    values: profile.tables.some(({ columns }) => columns.some(({ values }) => values !== null)),
    statements: false,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    say,
    signal,
  });
  await using session = await openAs(request, 'administrator');
  return await verifyFilling({
    engine,
    session,
    profile,
    got: facts.tables,
    tables,
    data: plan.data,
    say,
    signal,
  });
}
