/** The worst wait told as a chain: who held the lock, what queued for it, and how much of the load stood behind. */

import { grouped } from '../checks/finding.ts';
import { endOf, sessionInWords, type WaitStory, worstStory } from '../checks/waits.ts';
import type { LockWait, Recording, SessionRecord, WaitEnding } from '../recording/recording.ts';
import { counted, duration, figureInWords } from './format.ts';

/** One link of the chain, root first. Texts are not yet escaped. */
export interface StoryLink {
  readonly text: string;
  /** What the session ran, or had last run. */
  readonly sql: string | null;
}

const ENDED: Readonly<Record<WaitEnding, string>> = {
  granted: 'then got it',
  'lock timeout': 'then gave up at its lock timeout',
  'statement timeout': 'then was cancelled at its statement timeout',
  cancelled: 'then was cancelled',
  deadlock: 'then was chosen as the victim of a deadlock',
  'still waiting': 'and still waited at the end',
  unknown: 'and it was not seen how that ended',
};
const OPERATIONS_NAMED = 3;
const SESSIONS_NAMED = 3;

/** Empty when nothing of the load or the migration was seen to wait for a lock. */
export function storyOf(recording: Recording): readonly StoryLink[] {
  const story = worstStory(recording);
  if (story === null) return [];
  const links = story.chain.map((session, index) => {
    const isRoot = index === 0 && story.wait.blockers.length > 0;
    const wait = isRoot ? undefined : waitOf(recording, session, story.wait);
    return { text: linkInWords(recording, story, session, wait), sql: sqlOf(story, session) };
  });
  const lock = story.wait.relation ?? story.wait.target;
  const unseen = { text: unseenInWords(recording, story.wait, lock), sql: null };
  const crowd = crowdInWords(recording, story);
  return [
    ...(story.wait.blockers.length === 0 ? [unseen] : []),
    ...links,
    ...(crowd === null ? [] : [{ text: crowd, sql: null }]),
  ];
}

function unseenInWords(recording: Recording, { blockersAmong = [] }: LockWait, lock: string): string {
  if (blockersAmong.length === 0) return `a session that was gone before it could be read held ${lock}`;
  const named = blockersAmong.slice(0, SESSIONS_NAMED).map((each) => sessionInWords(recording, each));
  const more = blockersAmong.length - named.length;
  return `some of those that held ${lock} or queued for it: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What the journal says of the migration is cleaner than what the server shows: one statement, without its comments. */
function sqlOf({ statement }: WaitStory, { owner, statement: seen }: SessionRecord): string | null {
  return owner === 'migration' ? (statement?.statement.text ?? seen) : seen;
}

/** The wait of a session of the chain at the time of the worst one. */
function waitOf(recording: Recording, { sessionId }: SessionRecord, worst: LockWait): LockWait | undefined {
  if (worst.waiter.sessionId === sessionId) return worst;
  return recording.lockWaits.find(
    (each) =>
      each.waiter.sessionId === sessionId &&
      each.startedAtMs <= endOf(worst) &&
      endOf(each) >= worst.startedAtMs,
  );
}

function linkInWords(
  recording: Recording,
  { wait: worst, statement }: WaitStory,
  session: SessionRecord,
  wait: LockWait | undefined,
): string {
  const migration = session.owner === 'migration';
  const where = statement === null ? '' : ` (${statement.step.file}:${statement.statement.line})`;
  const who = migration ? `the migration${where}` : sessionInWords(recording, session);
  const lock = worst.relation ?? worst.target;
  if (wait === undefined) {
    const idle = session.state?.includes('idle in transaction') ? ', idle in its transaction,' : '';
    return `${who}${idle} held ${lock}`;
  }
  const on = wait.relation ?? wait.target;
  return `${who} waited ${figureInWords(wait.waitedMs, 'ms')} for ${wait.mode} on ${on}, ${ENDED[wait.ended]}`;
}

function crowdInWords(recording: Recording, { behind, poolQueuePeak, wait }: WaitStory): string | null {
  const others = behind.filter((each) => each !== wait);
  if (others.length === 0 && (poolQueuePeak === null || poolQueuePeak === 0)) return null;
  const groups = grouped(others, (each) => operationOf(recording, each.waiter)).toSorted(
    (one, other) => other.length - one.length,
  );
  const unnamed = groups.slice(OPERATIONS_NAMED).reduce((sum, group) => sum + group.length, 0);
  const names = [
    ...groups
      .slice(0, OPERATIONS_NAMED)
      .map((group) => `${group.length} ${operationOf(recording, group[0]?.waiter)}`),
    ...(unnamed === 0 ? [] : [`${unnamed} more`]),
  ];
  const longestMs = Math.max(0, ...others.map(({ waitedMs }) => ('upper' in waitedMs ? waitedMs.upper : 0)));
  const database =
    others.length === 0
      ? 'no operation waited behind it in the database'
      : `${counted(others.length, 'operation')} behind it in the database (${names.join(', ')}), up to ${duration(longestMs)}`;
  const pool =
    poolQueuePeak === null ? '' : `; ${counted(poolQueuePeak, 'operation')} at once in the queue of the pool`;
  return `${database}${pool}`;
}

function operationOf(recording: Recording, session: SessionRecord | undefined): string {
  const sql = withoutValues(session?.statement ?? '');
  if ('notMeasured' in recording.load) return 'operations';
  const known = recording.load.operations.find(({ statements }) =>
    statements.some((each) => withoutValues(each) === sql),
  );
  return known?.name ?? (sql.split(/\s+/)[0]?.toLowerCase() || 'unknown');
}

/** Literals are redacted in what the server was seen to run, and stand in what the operation says. */
function withoutValues(sql: string): string {
  return sql.replace(/'(?:[^']|'')*'|(?<![\w$])\d+(?:\.\d+)?/g, '?').trim();
}
