/** A probe of Postgres: one session in which statements follow each other, and sessions beside it that try what it blocks. */
import type { StatementEffects } from '../../../recording/recording.ts';
import type { ConnectionTarget, Probe, ProbeRequest, Probing, Session } from '../../engine.ts';
import { SqlError } from '../../engine.ts';
import { connections } from '../connections/connections.ts';
import { createPool, LOCK_TIMEOUT_MS, type SessionPool } from './blocked.ts';
import { createCopies } from './copies.ts';
import { endsTransaction } from './ends-transaction.ts';
import { measureInTransaction } from './in-transaction.ts';
import { measureOutside } from './outside.ts';
import { applySettings, readSettings, type SessionSettings } from './session-settings.ts';
import { prepareStages } from './stages.ts';

/** Whatever production has: the copy is small, and a session stands ready for each use that is tried. */
const SMALL = { shared_buffers: '128MB', max_connections: '100' };

export const probing: Probing = {
  // Copies are not flushed; an autovacuum would lock and read beside the statement; only who is to be halted waits for a standby.
  settings: {
    fsync: 'off',
    full_page_writes: 'off',
    autovacuum: 'off',
    synchronous_commit: 'local',
    ...SMALL,
  },
  besideFilling: true,
  open,
};

const APPLICATION = 'rehearse probe';

/**
 * What the server says to a statement that cannot run inside a transaction: `active_sql_transaction`, and
 * `invalid_transaction_termination` of a block of code that commits.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const NOT_IN_TRANSACTION = ['25001', '2D000'];

/** Why a statement is not measured in an open transaction. */
interface Refused {
  readonly code: string | null;
  readonly message: string;
}

const ENDS_ITSELF: Refused = { code: null, message: 'it ends its transaction itself' };

async function open({ administrator, signal }: ProbeRequest): Promise<Probe> {
  const connect = (database: string, lockTimeoutMs?: number): Promise<Session> =>
    connections.connect(
      { ...administrator, database },
      { applicationName: APPLICATION, ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }) },
      signal,
    );
  const cluster = await connect(MAINTENANCE_DATABASE);
  let inside = await prepareStages(cluster)
    .then(() => openInside(administrator, connect))
    .catch(async (error: unknown) => {
      await cluster[Symbol.asyncDispose]();
      throw error;
    });
  const copies = createCopies({ cluster, database: administrator.database, connect, signal });

  /** A database can be copied while nobody is in it. */
  async function aside<Result>(work: (settings: SessionSettings) => Promise<Result>): Promise<Result> {
    const settings = await readSettings(inside.session);
    await inside[Symbol.asyncDispose]();
    try {
      return await work(settings);
    } finally {
      inside = await openInside(administrator, connect);
      await applySettings(inside.session, settings);
    }
  }

  async function tryInside(statement: string): Promise<Refused | { readonly effects: StatementEffects }> {
    try {
      return { effects: await measureInTransaction({ ...inside, cluster }, statement) };
    } catch (error) {
      if (!(error instanceof SqlError) || !NOT_IN_TRANSACTION.includes(error.code ?? '')) throw error;
      return { code: error.code, message: error.message };
    }
  }

  const cancel = () => void inside.session.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  return {
    execute: (statement) => execute(inside.session, statement),
    async measure(statement) {
      const refused = endsTransaction(statement) ? ENDS_ITSELF : await tryInside(statement);
      if ('effects' in refused) return refused.effects;
      return aside((settings) => measureOutside({ cluster, copies, settings, signal }, statement, refused));
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', cancel);
      await inside[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

/** `no_active_sql_transaction`: LOCK TABLE makes sense in a transaction alone, and says so. */
const ONLY_IN_TRANSACTION = '25P01';

async function execute(session: Session, statement: string): Promise<void> {
  try {
    await session.execute(statement);
  } catch (error) {
    if (!(error instanceof SqlError) || error.code !== ONLY_IN_TRANSACTION) throw error;
    await session.execute('begin');
    try {
      await session.execute(statement);
    } finally {
      await session.execute('commit');
    }
  }
}

/** Every server has it; nobody's template. */
const MAINTENANCE_DATABASE = 'postgres';

interface Inside extends AsyncDisposable {
  readonly session: Session;
  readonly pool: SessionPool;
}

async function openInside(
  { database }: ConnectionTarget,
  connect: (database: string, lockTimeoutMs?: number) => Promise<Session>,
): Promise<Inside> {
  const session = await connect(database);
  const pool = createPool(() => connect(database, LOCK_TIMEOUT_MS));
  return {
    session,
    pool,
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
    },
  };
}
