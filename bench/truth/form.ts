/** What a truth file is made of, and how one engine's rows are held against what was measured. */
import { readFile } from 'node:fs/promises';
import type { Session } from '../../src/engines/engine.ts';
import { UsageError } from '../../src/errors.ts';
import type { StatementEffects } from '../../src/recording/recording.ts';

/** A row as every engine's file has it; each has further fields of its own. */
export interface TruthRow {
  readonly id: string;
  /** One flavor, or several: "mysql+mariadb". */
  readonly engine: string;
  readonly setup_sql: readonly string[];
  readonly session_sql: readonly string[];
  readonly sql: string;
  readonly [field: string]: unknown;
}

export interface TruthServer {
  readonly flavor: string;
  /** As the server says it: "17.10". */
  readonly version: string;
}

/** Field by field, as the file spells it. Lists are sets; `null` is not known. */
export type Fields = Readonly<Record<string, unknown>>;

/** How the rows of one engine are read. */
export interface TruthForm {
  /** Name of the engine. */
  readonly engine: string;
  /** What the rows need beside their setup, once per server. */
  prepare(administrator: Session): Promise<void>;
  /** Statements in each database once the setup of its rows has run. */
  readonly afterSetup: readonly string[];
  /** The statement that copies a database in which nobody is; left out where measuring leaves nothing behind. */
  copyDatabase?(database: string, copy: string): string;
  /** What the row says of this server; null when it is about others. */
  expected(row: TruthRow, server: TruthServer): Fields | null;
  /** The same fields of what was measured. */
  measured(effects: StatementEffects, row: TruthRow, server: TruthServer): Fields;
  /** Fields of which the file holds a lower bound: what is measured may be more. */
  isLowerBound?(field: string, row: TruthRow, server: TruthServer): boolean;
}

export interface Difference {
  readonly field: string;
  readonly expected: unknown;
  readonly measured: unknown;
}

/** Rows of a truth file. UsageError for a file that is none. */
export async function readTruthRows(file: string): Promise<readonly TruthRow[]> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new UsageError(
      `--rows ${file}: cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    );
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`--rows ${file}: is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  if (!Array.isArray(parsed)) throw new UsageError(`--rows ${file}: a truth file is a JSON list of rows`);
  return parsed.map((row: unknown, index) => rowOf(row, `--rows ${file}: row ${index + 1}`));
}

function rowOf(row: unknown, where: string): TruthRow {
  if (typeof row !== 'object' || row === null) throw new UsageError(`${where} is no object`);
  const { id, engine, sql, setup_sql, session_sql, ...rest } = row as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || typeof engine !== 'string' || typeof sql !== 'string')
    throw new UsageError(`${where} needs "id", "engine" and "sql"`);
  return {
    ...rest,
    id,
    engine,
    sql,
    setup_sql: statementsOf(setup_sql, `${where} (${id}): setup_sql`),
    session_sql: statementsOf(session_sql, `${where} (${id}): session_sql`),
  };
}

function statementsOf(value: unknown, what: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new UsageError(`${what} is no list of statements`);
}

/** Every field in which what was measured is not what the row says. */
export function differences(
  expected: Fields,
  measured: Fields,
  isLowerBound: (field: string) => boolean = () => false,
): readonly Difference[] {
  return Object.entries(expected).flatMap(([field, wanted]) => {
    const got = measured[field];
    const same = isLowerBound(field) ? contains(wanted, got) : equal(wanted, got);
    return same ? [] : [{ field, expected: wanted, measured: got }];
  });
}

function equal(expected: unknown, measured: unknown): boolean {
  if (expected === null || expected === undefined) return true;
  if (Array.isArray(expected)) return contains(expected, measured) && contains(measured, expected);
  if (isObject(expected)) {
    if (!isObject(measured)) return false;
    return keysOf(expected, measured).every((key) => key in expected && equal(expected[key], measured[key]));
  }
  return expected === measured;
}

/** Every element of the expected list is among the measured ones; in an object, of each list in it. */
function contains(expected: unknown, measured: unknown): boolean {
  if (isObject(expected) && isObject(measured))
    return keysOf(expected, measured).every(
      (key) => key in expected && contains(expected[key], measured[key]),
    );
  if (!Array.isArray(expected)) return equal(expected, measured);
  if (!Array.isArray(measured)) return false;
  return expected.every((each) => measured.some((other) => equal(each, other)));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function keysOf(...objects: readonly Fields[]): readonly string[] {
  return [...new Set(objects.flatMap((each) => Object.keys(each)))];
}
