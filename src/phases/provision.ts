/** Phase 1: a server in its filling profile, with the database roles. */
import type { Engine, RoleTargets, Session } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { measureClockOffset } from '../observers/clock-offset.ts';
import type { Progress } from '../progress.ts';
import { chooseProvisioner, removeLeftovers } from '../provisioners/index.ts';
import type { Provisioner, Server, ServerRequest } from '../provisioners/provisioner.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { ServerData } from '../recording/recording.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Snapshot } from '../snapshots/index.ts';

export interface StartRequest {
  readonly plan: Plan;
  readonly engine: Engine;
  /** Null chooses one. */
  readonly provisioner: Provisioner | null;
  /** To be forked; null starts with an empty data directory. */
  readonly snapshot: Snapshot | null;
  readonly recorder: Recorder;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface StartedServer extends AsyncDisposable {
  readonly server: Server;
  readonly roles: RoleTargets;
  /** From which it was forked; null when its tables are to be filled. */
  readonly snapshot: Snapshot | null;
  /** Restarts in the production-like profile and records what the server then is. */
  rehearsalProfile(): Promise<void>;
}

export async function startServer(request: StartRequest): Promise<StartedServer> {
  const { plan, engine, recorder, progress, signal } = request;
  const say = (message: string): void => progress.say(recorder.phase, message);
  for (const left of await removeLeftovers()) say(`removed what a killed rehearsal left behind: ${left}`);

  const serverRequest = { engine, database: plan.database, role: 'rehearsal', say, fork: null } as const;
  const provisioner = request.provisioner ?? (await chooseProvisioner(serverRequest, signal));
  const forked = await startFork(request, provisioner, serverRequest);
  const server = forked ?? (await provisioner.start(serverRequest, signal));
  const snapshot = forked === null ? null : request.snapshot;
  try {
    signal.throwIfAborted();
    await using administrator = await engine.connections.connect(
      server.administrator,
      { applicationName: 'rehearse administrator' },
      signal,
    );
    const roles = await engine.connections.createRoles(administrator, server.database);
    return {
      server,
      roles,
      snapshot,
      rehearsalProfile: async () => {
        await server.useProfile('rehearsal');
        await using session = await engine.connections.connect(
          roles.administrator,
          { applicationName: 'rehearse administrator' },
          signal,
        );
        await using observer = await engine.connections.connect(
          roles.observerInside,
          { applicationName: 'rehearse observer' },
          signal,
        );
        if (snapshot !== null) recorder.add('notes', noteOf(snapshot, server));
        await recordServer(request, server, { provisioner: provisioner.name, session, observer });
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** A snapshot that cannot be forked costs the time of a filling, not the rehearsal. */
async function startFork(
  { snapshot, recorder, progress, signal }: StartRequest,
  provisioner: Provisioner,
  serverRequest: ServerRequest,
): Promise<Server | null> {
  if (snapshot === null) return null;
  const { key, data, manifest } = snapshot;
  progress.say(recorder.phase, `forking the snapshot ${key}, made ${manifest.madeAt}`);
  const fork = { data, settings: manifest.settings };
  try {
    return await provisioner.start({ ...serverRequest, fork }, signal);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    const message =
      `the snapshot ${key} cannot be forked, so the rows are filled anew: ${reason}. ` +
      `"rehearse snapshots remove ${key}" makes room for a new one.`;
    progress.say(recorder.phase, message);
    recorder.add('notes', message);
    return null;
  }
}

function noteOf({ key, manifest }: Snapshot, { forked }: Server): string {
  const how = forked?.method === 'clone' ? 'cloned' : 'copied';
  const seconds = ((forked?.durationMs ?? 0) / 1000).toFixed(1);
  return (
    `The rows come from the snapshot ${key}, filled for ${manifest.scenario} and kept at ${manifest.madeAt}; ` +
    `its ${mebibytes(forked?.bytes ?? 0)} MiB were ${how} in ${seconds} s.`
  );
}

interface Asked {
  readonly provisioner: string;
  /** The administrator's. */
  readonly session: Session;
  /** With no more than the observers may do. */
  readonly observer: Session;
}

async function recordServer(
  { engine, plan, recorder, snapshot }: StartRequest,
  server: Server,
  { provisioner, session, observer }: Asked,
): Promise<void> {
  recorder.addServer({
    role: server.role,
    engine: engine.name,
    flavor: plan.database.flavor,
    version: server.version,
    provisioner,
    description: server.description,
    data: dataOf(server, snapshot),
    settings: await engine.views.readSettings(session),
    clockOffsetMs: await measureClockOffset(engine, recorder, session),
  });
  for (const missing of await engine.views.missing(observer)) recorder.add('notMeasured', missing);
}

function dataOf({ forked }: Server, snapshot: Snapshot | null): ServerData {
  if (forked === null || snapshot === null) return { origin: 'filled' };
  const { key, manifest } = snapshot;
  const { method, durationMs, bytes } = forked;
  return { origin: 'snapshot', key, madeAt: manifest.madeAt, method, copyMs: durationMs, bytes };
}

interface DiskNeeded {
  readonly wantedBytes: number;
  readonly freeBytes: number;
  /** A replica will have all of it once more. */
  readonly replica: boolean;
}

/** Refuses to fill when the disk would not take the volume, a second copy for a rewrite, and some log. */
export function refuseFullDisk({ wantedBytes, freeBytes, replica }: DiskNeeded): void {
  const factor = FREE_DISK_FACTOR * (replica ? 2 : 1);
  const needed = wantedBytes * factor;
  if (freeBytes >= needed) return;
  throw new EnvironmentError(
    `not enough free disk: the data would take about ${mebibytes(wantedBytes)} MiB, and ${factor} times ` +
      `that (${mebibytes(needed)} MiB) must be free since a table rewrite needs a second copy${replica ? ', on the replica too' : ''}; ` +
      `the disk of the data directory has ${mebibytes(freeBytes)} MiB free. Ask for fewer rows, or free some space.`,
  );
}

/** True where the rehearsal will have one. */
export function willHaveReplica({ database }: Plan, { replica }: Server): boolean {
  return database.replica && !('missing' in replica);
}

/** A rewrite needs a second copy of the table, and its log comes on top (load-and-filling.md, B4.10). */
const FREE_DISK_FACTOR = 2.2;

/** Rounded up, for messages. */
export function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
