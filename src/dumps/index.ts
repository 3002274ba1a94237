/**
 * Restores a dump into the rehearsed database:
 *
 *  1. recognise it by its first bytes, and find a client program that reads it
 *  2. refuse what cannot come out well before a row is there: a newer server, a missing extension, too little disk
 *  3. run the client, with progress
 */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type {
  ConnectionTarget,
  DeferredObjects,
  Dump,
  DumpFacts,
  Engine,
  Session,
} from '../engines/engine.ts';
import { SqlError } from '../engines/engine.ts';
import { isKnown, UsageError } from '../errors.ts';
import type { Server } from '../provisioners/provisioner.ts';
import type { RestorePlan } from '../scenario/plan.ts';
import { restoreDeferred } from '../seeders/index.ts';
import { type FoundProgram, findPrograms } from './programs.ts';
import { type DumpProgress, runPath, runStream } from './run.ts';
import { type DumpSource, openSource } from './source.ts';

export interface RestoreDumpRequest {
  readonly engine: Engine;
  readonly plan: RestorePlan;
  readonly server: Server;
  /** The migrator inside the rehearsed database: what is restored belongs to it. */
  readonly target: ConnectionTarget;
  /** A session of the migrator. */
  readonly session: Session;
  /** Called with the bytes that the data will take; throws when the disk would not hold them. */
  readonly onVolume: (bytes: number) => Promise<void>;
  readonly onProgress: (progress: DumpProgress) => void;
  /** A line worth keeping. */
  readonly say: (message: string) => void;
  /** What a reader of the report should know. */
  readonly onNote: (text: string) => void;
}

/** UsageError for what is wrong with the dump or the setting, EnvironmentError for what the machine lacks. */
export async function restoreDump(request: RestoreDumpRequest, signal: AbortSignal): Promise<void> {
  const { engine, plan, session, onProgress, onNote, target } = request;
  const { dumps } = engine;
  const source = await openSource(plan.file, dumps.markers);
  const dump = dumps.recognise(source);
  if (dump === null) throw unknownDump(engine, source);
  request.say(
    `${basename(plan.file)} is ${dump.description}${source.compression === 'none' ? '' : `, in ${source.compression}`}`,
  );
  await refuseObstacles(request, dump.facts);
  const clients = await findPrograms(
    {
      dump,
      clientDirectory: plan.clientDirectory,
      server: request.server,
      programFolders: dumps.programFolders,
    },
    signal,
  );
  const [client] = clients;
  if (client === undefined) throw new Error('no program to restore with');
  await request.onVolume(volumeOf(dump, source) + copyOf(dump, source, client));
  request.say(`restoring with ${client.version}${client.where === null ? '' : `, in ${client.where}`}`);
  const running = { source, target, onProgress, onNote };
  if (dump.reads === 'stream') return runStream(dump, client, running, signal);
  const onListing = async (listing: string): Promise<void> => {
    if (dump.contents !== null) await refuseObstacles({ engine, session }, dump.contents.facts(listing));
  };
  const onRoles = async (statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await session.execute(statement);
  };
  const onKeys = (stages: DeferredObjects['restore']) => addKeys(request, stages, signal);
  await runPath(
    dump,
    clients,
    { ...running, jobs: availableParallelism(), onListing, onRoles, onKeys },
    signal,
  );
}

/** Whose dump it is, before there is a server; null when no engine knows it, or it cannot be read. */
export async function recogniseDump(
  engines: readonly Engine[],
  path: string,
): Promise<{ readonly engine: string; readonly flavor: string; readonly marks: readonly string[] } | null> {
  for (const engine of engines) {
    try {
      const dump = engine.dumps.recognise(await openSource(path, engine.dumps.markers));
      if (dump === null) continue;
      const { serverVersion } = dump.facts;
      const flavor = serverVersion === null ? engine.flavors[0] : engine.recipe.flavorOf(serverVersion);
      return { engine: engine.name, flavor: flavor ?? engine.name, marks: [dump.description] };
    } catch (error) {
      // What is wrong with it is told when it is restored.
      if (!isKnown(error)) throw error;
    }
  }
  return null;
}

async function addKeys(
  { engine, target, onProgress }: RestoreDumpRequest,
  stages: DeferredObjects['restore'],
  signal: AbortSignal,
): Promise<void> {
  try {
    await restoreDeferred({ engine, administrator: target, onProgress }, stages, signal);
  } catch (error) {
    const cause = error instanceof UsageError ? error.cause : null;
    if (!(cause instanceof SqlError)) throw error;
    throw new UsageError(
      `data.restore: the rows of the dump break a foreign key: ${cause.message} (${cause.code ?? 'no code'}). ` +
        'Make the dump of a database whose keys hold.',
      { cause },
    );
  }
}

async function refuseObstacles(
  { engine, session }: Pick<RestoreDumpRequest, 'engine' | 'session'>,
  facts: DumpFacts,
): Promise<void> {
  const obstacles = await engine.dumps.obstacles(session, facts);
  if (obstacles.length > 0) throw new UsageError(`data.restore: ${obstacles.join('; ')}.`);
}

/** Bytes of the tables and their indexes, as far as the size of the dump tells. */
function volumeOf(dump: Dump, { bytes, plainBytes, compression }: DumpSource): number {
  // What does not tell its size is taken for compressed to a quarter, as tables of text and numbers are.
  const plain = plainBytes ?? (compression === 'none' ? bytes : bytes * USUAL_RATIO);
  return plain * dump.growth;
}

const USUAL_RATIO = 4;

/** What a client opens by itself is copied to where it runs, or without its compression. */
function copyOf(dump: Dump, { bytes, plainBytes, compression }: DumpSource, { where }: FoundProgram): number {
  if (dump.reads === 'stream' || (where === null && compression === 'none')) return 0;
  return plainBytes ?? (compression === 'none' ? bytes : bytes * USUAL_RATIO);
}

function unknownDump(engine: Engine, { path, entries }: DumpSource): UsageError {
  const what = entries === null ? `"${path}"` : `the folder "${path}"`;
  return new UsageError(
    `data.restore: ${what} is no dump that ${engine.name} can restore. ${engine.dumps.kinds} can be restored, each file also as .gz or .zst.`,
  );
}

export { reshape } from './reshape.ts';
export { describeRestoredTables } from './restored.ts';
export type { DumpProgress } from './run.ts';
