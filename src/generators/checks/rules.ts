/** What the checks of a table ask of its columns, in a form that values can be made from. */

import type { Expression } from './expression.ts';

/** One side of a range as the check wrote it; the column's type decides what the text means. */
export interface Limit {
  /** A literal, or {@link NOW}. */
  readonly text: string;
  readonly inclusive: boolean;
}

/** Stands for the server's clock in a limit. */
export const NOW = 'now()';

export interface TextPattern {
  /** Regular expression in JavaScript's syntax, as translated from the engine's. */
  readonly source: string;
  readonly ignoreCase: boolean;
}

/** All of them hold together. */
export interface ColumnRules {
  readonly lowers: readonly Limit[];
  readonly uppers: readonly Limit[];
  /** The only values; null when the check names none. */
  readonly allowed: readonly string[] | null;
  readonly excluded: readonly string[];
  /** Length of text in characters, of an array in elements. */
  readonly minLength: number;
  readonly maxLength: number | null;
  readonly patterns: readonly TextPattern[];
  readonly letterCase: 'lower' | 'upper' | null;
  readonly nullness: 'null' | 'not null' | null;
  /** Units that different values lie apart at least; null when that does not matter. */
  readonly spacing: number | null;
  /** Conditions on this column alone that values are tried against, where no other rule says how to make them. */
  readonly tests: readonly Expression[];
  /** What the other rules were read from: a value that breaks one for sure is not taken either. */
  readonly readFrom: readonly Expression[];
}

export const NO_RULES: ColumnRules = {
  lowers: [],
  uppers: [],
  allowed: null,
  excluded: [],
  minLength: 0,
  maxLength: null,
  patterns: [],
  letterCase: null,
  nullness: null,
  spacing: null,
  tests: [],
  readFrom: [],
};

/** A comparison of two columns; `<` and `<=` only, the others are turned round. */
export interface Relation {
  readonly lower: string;
  readonly operator: '<' | '<=' | '=' | '<>';
  readonly higher: string;
  /** The higher value lies at most this many units behind the lower one. */
  readonly within?: number;
}

/** The comparison as a check has it. */
export function asExpression({ lower, operator, higher }: Relation): Expression {
  return {
    kind: 'binary',
    operator,
    left: { kind: 'column', name: lower },
    right: { kind: 'column', name: higher },
  };
}

/** One thing that a check asks for. */
export type Demand =
  | { readonly column: string; readonly rule: Partial<ColumnRules> }
  /** A condition on several columns, which rows are tried against. */
  | { readonly test: Expression }
  | { readonly relation: Relation };

/** Everything that was chosen for a table. */
export interface TableRules {
  readonly columns: ReadonlyMap<string, ColumnRules>;
  readonly relations: readonly Relation[];
  readonly tests: readonly Expression[];
}

/** Both rules at once, or null when no value could obey both. */
export function mergeRules(first: ColumnRules, second: Partial<ColumnRules>): ColumnRules | null {
  const other = { ...NO_RULES, ...second };
  if (first.nullness !== null && other.nullness !== null && first.nullness !== other.nullness) return null;
  if (first.letterCase !== null && other.letterCase !== null && first.letterCase !== other.letterCase)
    return null;
  const excluded = [...first.excluded, ...other.excluded];
  const allowed = intersect(first.allowed, other.allowed)?.filter((value) => !excluded.includes(value));
  const minLength = Math.max(first.minLength, other.minLength);
  const maxLength = smaller(first.maxLength, other.maxLength);
  if (allowed !== undefined && allowed.length === 0) return null;
  if (maxLength !== null && minLength > maxLength) return null;
  return {
    lowers: [...first.lowers, ...other.lowers],
    uppers: [...first.uppers, ...other.uppers],
    allowed: allowed ?? null,
    excluded,
    minLength,
    maxLength,
    patterns: [...first.patterns, ...other.patterns],
    letterCase: first.letterCase ?? other.letterCase,
    nullness: first.nullness ?? other.nullness,
    spacing: other.spacing ?? first.spacing,
    tests: [...first.tests, ...other.tests],
    readFrom: [...first.readFrom, ...other.readFrom],
  };
}

function intersect(first: readonly string[] | null, second: readonly string[] | null) {
  if (first === null) return second ?? undefined;
  if (second === null) return first;
  return first.filter((value) => second.includes(value));
}

function smaller(first: number | null, second: number | null): number | null {
  if (first === null) return second;
  return second === null ? first : Math.min(first, second);
}
