/** A server is ready when a session can be opened and answers: logs and open ports say it too early. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionTarget, Engine, Session } from '../engines/engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';

/** A first start writes a whole data directory, on slow disks too. */
export const START_LIMIT_MS = 120_000;
const PAUSE_MS = 50;
const ATTEMPT_LIMIT_MS = 3_000;

export interface ReadinessRequest {
  readonly engine: Engine;
  /** As the scenario says. */
  readonly flavor: string;
  /** Asked before each attempt, since a container's port may change. */
  readonly target: ConnectionTarget;
  /** Throws when the server has ended, so that nobody waits for it. */
  readonly requireAlive: () => Promise<void>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Waits until the server answers; returns its version. */
export async function waitUntilReady(request: ReadinessRequest): Promise<string> {
  const { engine, flavor, target, requireAlive, limitMs, signal } = request;
  const deadline = performance.now() + limitMs;
  for (;;) {
    signal.throwIfAborted();
    await requireAlive();
    try {
      await using session = await openAdministrator(engine, target, signal, ATTEMPT_LIMIT_MS);
      return await readVersion(session, { engine, flavor });
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof UsageError) throw cause;
      if (performance.now() > deadline) {
        await requireAlive();
        throw new EnvironmentError(`the server did not become ready within ${Math.round(limitMs / 1000)} s`, {
          cause,
        });
      }
    }
    await delay(PAUSE_MS);
  }
}

export function openAdministrator(
  engine: Engine,
  target: ConnectionTarget,
  signal: AbortSignal,
  connectTimeoutMs?: number,
): Promise<Session> {
  const options = { applicationName: 'rehearse provisioner', ...(connectTimeoutMs && { connectTimeoutMs }) };
  return engine.connections.connect(target, options, signal);
}

/**
 * `version()` is known to every engine; the number is its first one with a dot, or its first one. UsageError for a server
 * of another flavor than the scenario says.
 */
export async function readVersion(
  session: Session,
  { engine, flavor }: Pick<ReadinessRequest, 'engine' | 'flavor'>,
): Promise<string> {
  const [row] = await session.query<{ version: string }>('select version() as version');
  const text = row?.version ?? '';
  const found = engine.recipe.flavorOf(text);
  if (found !== flavor)
    throw new UsageError(
      `the server says that it is "${text}", which is ${found}, but database.engine says "${flavor}". Correct one.`,
    );
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? /\d+\w*/.exec(text)?.[0] ?? text;
}
