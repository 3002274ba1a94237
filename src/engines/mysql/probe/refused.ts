/** What the server would take instead of an ALGORITHM or LOCK that it refuses. */
import type { ClauseAdvice } from '../../engine.ts';
import { answerTo, askClauses } from './asking.ts';
import { withoutClauses } from './clauses.ts';
import { openTwin } from './twin.ts';

export const clauses: ClauseAdvice = {
  async instead(session, statement) {
    const plain = withoutClauses(statement);
    if (plain === statement) return null;
    await using twin = await openTwin(session, `${session.target.database} twin`);
    // On empty tables only the clauses can be the reason, as long as it runs without them.
    if ((await answerTo(twin, statement)) === null || (await answerTo(twin, plain)) !== null) return null;
    const asked = await askClauses(twin, statement);
    if (asked === null) return null;
    return Object.entries(asked.locks).map(([algorithm, locks]) => ({ algorithm, locks }));
  },
};
