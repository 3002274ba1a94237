/** What makes the procedures and functions of a database anew: statements, views and triggers may call them. */
import type { Session } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

const KINDS = [
  { kind: 'function', column: 'Create Function' },
  { kind: 'procedure', column: 'Create Procedure' },
] as const;

/** As the server writes them, those without a text that this user may read left out. */
export async function readRoutines(session: Session): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const { kind, column } of KINDS) {
    const found = await session.query<{ Name: string }>(`show ${kind} status where db = ?`, [
      session.target.database,
    ]);
    for (const { Name: name } of found) {
      const [created] = await session.query<Record<string, string | null>>(
        `show create ${kind} ${dialect.quote(name)}`,
      );
      const text = created?.[column];
      if (typeof text === 'string') texts.push(text);
    }
  }
  return texts;
}
