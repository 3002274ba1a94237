/**
 * Statements that a session sends again and again: parsed and described once, then Bind, Execute and Sync in one write.
 * `pg`'s own named statements are described at each call and written in five pieces: with those the observers of an idle
 * server took half as much CPU again.
 */
import { type PostgresClient, type PostgresConnection, parserOf, type Submittable } from './client.ts';
import { encodeBindExecuteSync, encodeDescribe, encodeParse } from './messages.ts';

/** What can be sent as it is; everything else is `pg`'s own to turn into text. */
export type PlainValue = string | number | boolean | null;

/** Rows of one statement after the other: the caller takes turns. Values come back as `pg` gives them. */
export function preparedQueries(
  client: PostgresClient,
): (text: string, values: readonly PlainValue[]) => Promise<object[]> {
  const statements = new Map<string, Statement>();
  let current: Statement | null = null;
  // What has no rows is never described further than this.
  client.connection.on('parseComplete', () => {
    if (current !== null) current.fields ??= [];
  });
  return (text, values) =>
    new Promise((resolve, reject) => {
      const statement = statements.get(text) ?? statementOf(`rehearse_${statements.size + 1}`, text);
      statements.set(text, statement);
      current = statement;
      client.query(exchangeOf(statement, values, { resolve, reject }));
    });
}

/** One result column. */
interface Field {
  readonly name: string;
  parse(text: string): unknown;
}

interface Statement {
  readonly name: string;
  readonly text: string;
  /** Null until the server knows it. */
  fields: readonly Field[] | null;
}

function statementOf(name: string, text: string): Statement {
  return { name, text, fields: null };
}

interface Outcome {
  resolve(rows: object[]): void;
  reject(error: unknown): void;
}

interface Described {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

/** The `handle...` members are what `pg`'s client calls of a query of its own (pg 8, lib/client.js). */
function exchangeOf(
  statement: Statement,
  values: readonly PlainValue[],
  { resolve, reject }: Outcome,
): Submittable & Record<`handle${string}`, unknown> {
  const rows: object[] = [];
  const ignore = () => undefined;
  return {
    submit(connection: PostgresConnection) {
      const { name, text, fields } = statement;
      const texts = values.map((value) => (value === null ? null : String(value)));
      const bind = encodeBindExecuteSync(name, texts);
      connection.stream.write(
        fields === null ? Buffer.concat([encodeParse(name, text), encodeDescribe(name), bind]) : bind,
      );
    },
    handleRowDescription({ fields }: Described) {
      statement.fields = fields.map((field) => ({ name: field.name, parse: parserOf(field.dataTypeID) }));
    },
    handleDataRow({ fields: cells }: { readonly fields: readonly (string | null)[] }) {
      const row: Record<string, unknown> = {};
      for (const [index, { name, parse }] of (statement.fields ?? []).entries()) {
        const cell = cells[index] ?? null;
        row[name] = cell === null ? null : parse(cell);
      }
      rows.push(row);
    },
    handlePortalSuspended: ignore,
    handleEmptyQuery: ignore,
    handleCommandComplete: ignore,
    handleCopyData: ignore,
    handleCopyInResponse: ignore,
    handleReadyForQuery: () => resolve(rows),
    handleError: reject,
  };
}
