/**
 * Runs one operation on one connection. A failure ends the operation; its transaction is rolled back before the
 * connection is given back, so that the next operation finds it clean.
 */
import type { CellValue, LoadConnection, LoadFailure, LoadStatement } from '../../engines/engine.ts';
import type { Operation } from '../load.ts';
import type { OperationValues } from '../operations/values.ts';

/** What ended an operation, and the statement that it met: text of the operation's, `begin` or `commit`. */
export interface OperationFailure extends LoadFailure {
  readonly statement: string;
}

export interface ExecutionListener {
  /** Once: the operation is done, or has failed. */
  answered(failure: OperationFailure | null): void;
  /** Once, after that: the connection can take the next operation, or it is of no use any more. */
  freed(usable: boolean): void;
}

export interface Execution {
  /** To be told that the connection is gone; harmless after the end. */
  lost(): void;
}

/** Without a name they are sent as plain text, as drivers and mappers do. */
const BEGIN: LoadStatement = { name: '', text: 'begin' };
const COMMIT: LoadStatement = { name: '', text: 'commit' };
const ROLLBACK: LoadStatement = { name: '', text: 'rollback' };
const NO_VALUES: readonly CellValue[] = [];
const CONNECTION_LOST: LoadFailure = {
  code: null,
  message: 'the connection was lost before the server answered',
  outcome: 'connection lost',
};

export function execute(
  connection: LoadConnection,
  { operation, values }: { readonly operation: Operation; readonly values: OperationValues },
  listener: ExecutionListener,
): Execution {
  const { statements, transaction } = operation;
  /** -1 is BEGIN, statements.length is COMMIT. */
  let position = transaction ? -1 : 0;
  const last = transaction ? statements.length : statements.length - 1;
  let state: 'running' | 'rolling back' | 'over' = 'running';

  function send(): void {
    const statement = statements[position];
    if (statement !== undefined) connection.run(statement, values[position] ?? NO_VALUES, done);
    else connection.run(position < 0 ? BEGIN : COMMIT, NO_VALUES, done);
  }

  function done(failure: LoadFailure | null): void {
    if (state !== 'running') return;
    if (failure !== null) fail(failure);
    else if (position < last) {
      position += 1;
      send();
    } else {
      state = 'over';
      listener.answered(null);
      listener.freed(true);
    }
  }

  function fail(failure: LoadFailure): void {
    const isLost = failure.outcome === 'connection lost';
    state = transaction && !isLost ? 'rolling back' : 'over';
    const { text } = statements[position] ?? (position < 0 ? BEGIN : COMMIT);
    listener.answered({ ...failure, statement: text });
    if (state === 'over') listener.freed(!isLost);
    else connection.run(ROLLBACK, NO_VALUES, rolledBack);
  }

  function rolledBack(failure: LoadFailure | null): void {
    if (state !== 'rolling back') return;
    state = 'over';
    listener.freed(failure === null);
  }

  send();
  return {
    lost() {
      if (state === 'running') fail(CONNECTION_LOST);
      else if (state === 'rolling back') rolledBack(CONNECTION_LOST);
    },
  };
}
