/** Sessions as the engine shows them, turned into records with their owner. Pure. */
import {
  CANARY_APPLICATION,
  type Dialect,
  type RoleTargets,
  type SeenSession,
  type SeenWait,
} from '../engines/engine.ts';
import type { SessionOwner, SessionRecord } from '../recording/recording.ts';

export type Describe = (sessionId: number, seen: SeenSession | undefined) => SessionRecord;

/** Names the owner by the user; statements that may carry an application's values are redacted. */
export function describeSessions(roles: RoleTargets, dialect: Dialect): Describe {
  const owners = new Map<string, SessionOwner>([
    [roles.migrator.user, 'migration'],
    [roles.load.user, 'load'],
    [roles.drill.user, 'drill'],
    [roles.observer.user, 'observer'],
    [roles.observerInside.user, 'observer'],
  ]);
  function ownerOf({ user, applicationName }: SeenSession): SessionOwner {
    if (user === null) return 'server';
    // Canaries have the load's privileges, and so its user.
    if (user === roles.load.user && applicationName === CANARY_APPLICATION) return 'canary';
    return owners.get(user) ?? 'other';
  }

  return (sessionId, seen) => {
    if (seen === undefined)
      return { sessionId, owner: 'other', applicationName: '', statement: null, state: null };
    const owner = ownerOf(seen);
    const foreign = owner === 'load' || owner === 'other';
    return {
      sessionId,
      owner,
      applicationName: seen.applicationName,
      statement: seen.statement !== null && foreign ? dialect.redactValues(seen.statement) : seen.statement,
      state: seen.state,
    };
  };
}

/** Behind a hot row every waiter is blocked by all before it; a report needs the roots and no more than a page. */
const LONGEST_CHAIN = 32;

/**
 * Everyone a session waits for, directly or through others that wait themselves, root first: who is farther away
 * comes first, the direct blockers last. A cycle (a deadlock not yet detected) is cut where it closes.
 */
export function blockingChain(waiterId: number, waits: readonly SeenWait[]): readonly number[] {
  const blockersOf = new Map(waits.map(({ waiterId: id, blockerIds }) => [id, blockerIds]));
  const seen = new Set([waiterId]);
  const levels: number[][] = [];
  let level: readonly number[] = [waiterId];
  while (level.length > 0) {
    const next = new Set(level.flatMap((id) => blockersOf.get(id) ?? []).filter((id) => !seen.has(id)));
    for (const id of next) seen.add(id);
    level = [...next];
    levels.push([...next]);
  }
  return levels.reverse().flat().slice(0, LONGEST_CHAIN);
}
