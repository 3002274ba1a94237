/** A replica beside the filled server, where the scenario wants one (`database.replica`). */
import { setTimeout as delay } from 'node:timers/promises';
import type {
  ConnectionTarget,
  Engine,
  ReplicaPreparation,
  Replication,
  RoleTargets,
  Session,
} from '../engines/engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import { measureClockOffset } from '../observers/clock-offset.ts';
import type { Progress } from '../progress.ts';
import type { Server } from '../provisioners/provisioner.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { Plan } from '../scenario/plan.ts';
import type { StartedServer } from './provision.ts';

export interface ReplicaRequest {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly started: StartedServer;
  readonly recorder: Recorder;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface StartedReplica extends AsyncDisposable {
  /** Null where none was wanted, or none can be had: the recording says why. */
  readonly following: {
    readonly server: Server;
    readonly roles: RoleTargets;
    readonly replication: Replication;
  } | null;
}

const NONE: StartedReplica = { following: null, [Symbol.asyncDispose]: async () => undefined };

/** Before anything is started: filling may take an hour. UsageError for settings with which there can be no replica. */
export function refuseWithoutReplica({ database }: Plan, { replication }: Engine): void {
  if (!database.replica || 'missing' in replication) return;
  const wrong = replication.refused(database.settings);
  if (wrong.length === 0) return;
  throw new UsageError(
    `database.replica: there is no replica with ${wrong.join(', ')}. Correct database.settings, or leave database.replica out.`,
  );
}

export async function startReplica(request: ReplicaRequest): Promise<StartedReplica> {
  const { plan, engine, started, recorder, progress, signal } = request;
  if (!plan.database.replica) return NONE;
  const { replication } = engine;
  const start = started.server.replica;
  if ('missing' in replication || 'missing' in start) {
    const reason = 'missing' in replication ? replication.missing : 'missing' in start ? start.missing : '';
    recorder.setReplica({ notMeasured: reason });
    progress.say(recorder.phase, `no replica runs: ${reason}`);
    return NONE;
  }
  const say = (message: string): void => progress.say(recorder.phase, message);
  // The session of before does not outlive the restart in which the data is copied.
  const administrator = () =>
    engine.connections.connect(started.roles.administrator, { applicationName: 'rehearse replica' }, signal);
  let prepared: ReplicaPreparation | null = null;
  const server = await start({
    say,
    prepare: async (address) => {
      await using session = await administrator();
      prepared = await replication.prepare(session, address);
      return prepared;
    },
  });
  try {
    const roles = rolesOn(server, started.roles);
    await using primary = await administrator();
    await using replica = await engine.connections.connect(
      roles.administrator,
      { applicationName: 'rehearse replica' },
      signal,
    );
    await begin(prepared, replica, recorder);
    await untilFollowing({ primary, replica }, replication, signal);
    await record(request, server, roles);
    say(`the replica follows: ${server.description}`);
    return {
      following: { server, roles, replication },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function begin(
  prepared: ReplicaPreparation | null,
  replica: Session,
  recorder: Recorder,
): Promise<void> {
  await prepared?.follow?.(replica);
  for (const note of prepared?.notes ?? []) recorder.add('notes', note);
}

/** The users are those of the primary, which the replica has with everything else. */
function rolesOn({ administrator }: Server, roles: RoleTargets): RoleTargets {
  const { host, port, socket } = administrator;
  const there = (target: ConnectionTarget): ConnectionTarget => ({ ...target, host, port, socket });
  return {
    migrator: there(roles.migrator),
    load: there(roles.load),
    drill: there(roles.drill),
    observer: there(roles.observer),
    observerInside: there(roles.observerInside),
    administrator: there(roles.administrator),
  };
}

const FOLLOW_LIMIT_MS = 60_000;
const PAUSE_MS = 50;

async function untilFollowing(
  { primary, replica }: { readonly primary: Session; readonly replica: Session },
  replication: Replication,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + FOLLOW_LIMIT_MS;
  while (!(await replication.isFollowing(primary, replica))) {
    if (performance.now() > deadline)
      throw new EnvironmentError(`the replica did not begin to follow within ${FOLLOW_LIMIT_MS / 1000} s`);
    await delay(PAUSE_MS, undefined, { signal });
  }
}

async function record(
  { plan, engine, recorder, signal }: ReplicaRequest,
  server: Server,
  roles: RoleTargets,
): Promise<void> {
  await using session = await engine.connections.connect(
    roles.administrator,
    { applicationName: 'rehearse administrator' },
    signal,
  );
  recorder.addServer({
    role: server.role,
    engine: engine.name,
    flavor: plan.database.flavor,
    version: server.version,
    provisioner: plan.database.provision,
    description: server.description,
    settings: await engine.views.readSettings(session),
    clockOffsetMs: await measureClockOffset(engine, recorder, session),
  });
}
