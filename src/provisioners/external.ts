/** Provisioner `external`: a server that somebody else runs, such as a restored snapshot or a clone in the cloud. */
import type { ConnectionTarget } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Provisioner, Server, ServerRequest } from './provisioner.ts';
import { openAdministrator, readVersion } from './readiness.ts';

export const external: Provisioner = {
  name: 'external',
  unavailable: async ({ database }) => (database.url === null ? 'database.url is not set' : null),
  fetch: async () => undefined,
  keeping: async () => ({ missing: NOT_OURS }),
  start: useExternal,
};

const NOT_OURS = 'the server is not ours, and its files are out of reach';

async function useExternal(request: ServerRequest, signal: AbortSignal): Promise<Server> {
  const { engine, database, role, say } = request;
  const target = parseTarget(request);
  const where = `${target.database} on ${target.socket ?? `${target.host}:${target.port}`}`;
  refuseUnlessExpendable(request, where);

  let version: string;
  {
    await using session = await openAdministrator(engine, target, signal);
    version = await readVersion(session, { engine, flavor: database.flavor });
  }
  say(`using ${where} (version ${version}), which the scenario names as expendable`);
  if (Object.keys(database.settings).length > 0) {
    say('database.settings are not applied: the server is not ours to restart');
  }
  return {
    role,
    administrator: target,
    version,
    description: `external server ${where}`,
    dataDirectory: { missing: NOT_OURS },
    programs: null,
    database: target.database,
    useProfile: async (profile) => {
      if (profile === 'rehearsal')
        say('the settings of the server stay as they are: it is not ours to restart');
    },
    forked: null,
    keep: async () => {
      throw new Error(`data of an external server cannot be kept: ${NOT_OURS}`);
    },
    replica: {
      missing: `it is made on a copy of the data directory, and ${NOT_OURS}; database.provision: container or embedded has one`,
    },
    [Symbol.asyncDispose]: () => removeRoles(request, target),
  };
}

function parseTarget({ engine, database }: ServerRequest): ConnectionTarget {
  if (database.url !== null) return engine.connections.parseUrl(database.url);
  throw new UsageError('database.provision: external needs database.url, the connection URL of the server.');
}

function refuseUnlessExpendable({ database }: ServerRequest, where: string): void {
  if (database.expendable) return;
  throw new UsageError(
    `the database ${where} is not named as expendable, so nothing was done. A rehearsal would create the roles ` +
      '"rehearse_*", apply the schema, fill its tables with made-up rows, write to them under load, run the pending ' +
      'migrations for good, and drop the roles at the end. If it may be spoiled, set database.expendable: true.',
  );
}

/** Long enough for a server that is busy with what the rehearsal left it to do. */
const REMOVE_LIMIT_MS = 30_000;

/** Not with the rehearsal's own signal: after Ctrl-C the roles have to go too. */
async function removeRoles({ engine, say }: ServerRequest, target: ConnectionTarget): Promise<void> {
  try {
    await using session = await openAdministrator(engine, target, AbortSignal.timeout(REMOVE_LIMIT_MS));
    await engine.connections.dropRoles(session, target.database);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(
      `the roles "rehearse_*" could not be dropped from the external server: ${reason}. Drop them by hand.`,
    );
  }
}
