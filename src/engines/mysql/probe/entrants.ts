/** Sessions that hold a table in a statement's way, and sessions that queue behind the statement. */
import type { Session } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { blocks } from '../views/metadata-conflicts.ts';

/** None of them may reach over foreign keys to other tables. */
const ALONE = 'set foreign_key_checks = 0';
const reading = (table: string): string =>
  `${ALONE}; start transaction; select 1 from ${dialect.quote(table)} limit 1`;
/** Takes the metadata lock of a writer and finds no row. */
const writing = (table: string): string =>
  `${ALONE}; start transaction; delete from ${dialect.quote(table)} where 1 = 0`;

export const HOLD = {
  'first lock': {
    begin: (table: string) => `${ALONE}; lock tables ${dialect.quote(table)} write`,
    end: 'unlock tables',
  },
  /** Of a name that the statement gives to what it makes: a table of ours is there, and about to be dropped. */
  name: { begin: reading, end: 'rollback' },
  writer: { begin: writing, end: 'rollback' },
  reader: { begin: reading, end: 'rollback' },
} as const;

export type EntrantKind = 'reader' | 'writer';

export interface Entrant {
  readonly session: Session;
  readonly table: string;
  readonly kind: EntrantKind;
  /** Set once its statement has been answered: it owns its lock until we end its transaction. */
  answered: boolean;
  entered: boolean;
}

/** Begins without waiting for the answer. */
export async function enter(session: Session, table: string, kind: EntrantKind): Promise<Entrant> {
  const entrant: Entrant = { session, table, kind, answered: false, entered: false };
  session.execute(HOLD[kind].begin(table)).then(
    () => {
      entrant.answered = true;
    },
    () => undefined, // the table may be gone by then
  );
  return entrant;
}

const MODE_OF = { reader: 'SHARED_READ', writer: 'SHARED_WRITE' } as const;

/** True when a session that reads, or writes, cannot go together with this lock. */
export function keepsOut(mode: string, kind: EntrantKind): boolean {
  return blocks(
    { objectType: 'TABLE', mode, granted: true },
    { objectType: 'TABLE', mode: MODE_OF[kind], granted: false },
  );
}
