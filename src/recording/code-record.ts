/** What both versions of the application's code find between the steps of the migrations. Imports nothing but types. */
import type { OperationRecord } from './load-record.ts';
import type { SqlFailure } from './migrations-record.ts';

/** A full scan of fewer rows takes a few milliseconds at most (measured: 10,000 narrow rows in 1 ms). */
export const LARGE_SCAN_ROWS = 10_000;

/** Each statement of each version, prepared and explained before the first step and after each one. */
export interface CodeRecord {
  readonly statements: readonly CodeStatement[];
  /** In the order in which they were taken. */
  readonly moments: readonly CodeMoment[];
}

export interface CodeStatement {
  readonly codeVersion: OperationRecord['codeVersion'];
  /** Name of the operation that it is part of. */
  readonly operation: string;
  readonly text: string;
}

/** `afterStep`: version of the step that had ended; null before the first one. */
export type CodeMoment =
  | {
      readonly afterStep: string | null;
      readonly atMs: number;
      /** How long the steps had to wait for the reading. */
      readonly durationMs: number;
      /** One for each of `CodeRecord.statements`, in their order. */
      readonly readings: readonly CodeReading[];
    }
  | { readonly afterStep: string; readonly notMeasured: string };

export type CodeReading =
  | { readonly outcome: 'works'; readonly fullScans: readonly FullScan[] | { readonly notMeasured: string } }
  | { readonly outcome: 'breaks'; readonly error: SqlFailure }
  | { readonly outcome: 'not measured'; readonly reason: string };

/** A table that the plan reads from end to end. */
export interface FullScan {
  readonly table: string;
  /** As filled; null for a table that was not there then. */
  readonly rows: number | null;
}
