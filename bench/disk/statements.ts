/** What `bench:disk` runs on its table of each engine. */
import type { Session } from '../../src/engines/engine.ts';
import { EnvironmentError } from '../../src/errors.ts';
import * as mysql from './mysql.ts';
import * as postgres from './postgres.ts';

export interface ProbeStatement {
  readonly name: string;
  readonly text: string;
  /** Set where much of the peak is in files that no walk of the data directory finds. */
  readonly hidden?: true;
}

export interface Suite {
  readonly STATEMENTS: readonly ProbeStatement[];
  /** Rows of about a kilobyte each, with a primary key. */
  fillProbe(session: Session, rows: number): Promise<void>;
}

/** MariaDB sorts the rows of a copy in files that are deleted as soon as they are made, too. */
const mariadb: Suite = {
  ...mysql,
  STATEMENTS: mysql.STATEMENTS.map((statement) => ({ ...statement, hidden: true })),
};
const SUITES: Readonly<Record<string, Suite>> = { mysql, mariadb, postgres };

export function suiteOf(flavor: string): Suite {
  const suite = SUITES[flavor];
  if (suite === undefined) throw new EnvironmentError(`bench:disk has no statements for ${flavor}`);
  return suite;
}
