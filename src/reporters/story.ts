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
  const waits = story.chain.map((session, index) => {
    const isRoot = index === 0 && story.wait.blockers.length > 0;
    return isRoot ? undefined : waitOf(recording, session, story.wait);
  });
  const members = story.chain.map((session, index): Member => {
    const wait = waits[index];
    // What it held is what the next one behind it waited for; operations in between may wait for something else.
    const behind =
      waits.slice(index + 1).find((each) => each !== undefined && !MANY.has(each.waiter.owner)) ?? story.wait;
    return { session, wait, behind };
  });
  const links = alike(members, story.wait).map((group) => linkOf(recording, story, group));
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
  if (blockersAmong.length === 0) return `a session that was not seen blocked ${lock}`;
  const named = blockersAmong.slice(0, SESSIONS_NAMED).map((each) => sessionInWords(recording, each));
  const more = blockersAmong.length - named.length;
  return `some of those that held ${lock} or queued for it: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What the journal says of the migration is cleaner than what the server shows: one statement, without its comments. */
function sqlOf({ statement }: WaitStory, session: SessionRecord): string | null {
  return ranBy(statement, session) ? (statement?.statement.text ?? session.statement) : session.statement;
}

/** A tool may have several sessions, and the statement is that of one of them. */
function ranBy(placed: WaitStory['statement'], { owner, sessionId }: SessionRecord): boolean {
  if (placed === null || owner !== 'migration') return false;
  return placed.statement.sessionId === null || placed.statement.sessionId === sessionId;
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

/** A session of the chain, with its own wait where it had one; `behind` waited for what it held. */
interface Member {
  readonly session: SessionRecord;
  readonly wait: LockWait | undefined;
  readonly behind: LockWait;
}

/**
 * Operations that stood side by side in one queue, or held the same table, are one link: who came behind them waited for all
 * of them. The one whose wait is told stays by itself.
 */
function alike(members: readonly Member[], told: LockWait): readonly (readonly Member[])[] {
  const groups: Member[][] = [];
  for (const member of members) {
    const group = groups.at(-1);
    const before = group?.at(-1);
    if (before !== undefined && member.wait !== told && isAlike(before, member)) group?.push(member);
    else groups.push([member]);
  }
  return groups;
}

const MANY: ReadonlySet<SessionRecord['owner']> = new Set(['load', 'canary']);

function isAlike(one: Member, other: Member): boolean {
  const queue = ({ wait, behind }: Member): string => {
    const { relation, target } = wait ?? behind;
    return `${wait === undefined} ${relation ?? target}`;
  };
  return MANY.has(one.session.owner) && MANY.has(other.session.owner) && queue(one) === queue(other);
}

function linkOf(recording: Recording, story: WaitStory, group: readonly Member[]): StoryLink {
  const [first] = group;
  if (first === undefined) throw new Error('a link of the chain is never empty');
  if (group.length === 1)
    return { text: linkInWords(recording, story, first), sql: sqlOf(story, first.session) };
  const operations = group.filter(({ session }) => session.owner === 'load').length;
  const canaries = group.length - operations;
  const who = [
    ...(operations === 0 ? [] : [`${counted(operations, 'operation')} of the load`]),
    ...(canaries === 0 ? [] : [counted(canaries, 'canary probe')]),
  ].join(' and ');
  const waits = group.flatMap(({ wait }) => (wait === undefined ? [] : [wait]));
  if (waits.length === 0) return { text: `${who} ${heldInWords(first.behind)}`, sql: null };
  const upTo = Math.max(...waits.map(({ waitedMs }) => ('upper' in waitedMs ? waitedMs.upper : 0)));
  const modes = [...new Set(waits.map(({ mode }) => mode))].join(' or ');
  return {
    text: `${who} waited up to ${duration(upTo)} for ${modes} on ${lockInWords(waits[0] ?? first.behind)}`,
    sql: null,
  };
}

function linkInWords(
  recording: Recording,
  { statement }: WaitStory,
  { session, wait, behind }: Member,
): string {
  const ran = ranBy(statement, session) ? statement : null;
  const where =
    ran === null ? ` (session ${session.sessionId})` : ` (${ran.step.file}:${ran.statement.line})`;
  const who = session.owner === 'migration' ? `the migration${where}` : sessionInWords(recording, session);
  if (wait === undefined) {
    const idle = session.state?.includes('idle in transaction') ? ', idle in its transaction,' : '';
    return `${who}${idle} ${heldInWords(behind)}`;
  }
  return `${who} waited ${figureInWords(wait.waitedMs, 'ms')} for ${wait.mode} on ${lockInWords(wait)}, ${ENDED[wait.ended]}`;
}

/** Locks on rows of Postgres are waits for the transaction that changed the row, or for the place next in line. */
function lockInWords({ relation, target }: LockWait): string {
  if (relation === null) return target;
  return target === 'transaction' || target === 'tuple' ? `a row of ${relation}` : relation;
}

/** Who waits for a transaction waits for its end: the rows that it changed are locked by nothing else. */
function heldInWords(wait: LockWait): string {
  if (wait.relation !== null) return `held ${lockInWords(wait)}`;
  return wait.target.endsWith('transaction') ? 'had not ended its transaction' : `held the ${wait.target}`;
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
