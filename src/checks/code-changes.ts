/** What became of the application's statements from one reading to the next. Pure; the report shows the same. */
import {
  type CodeMoment,
  type CodeReading,
  type CodeRecord,
  type CodeStatement,
  type FullScan,
  LARGE_SCAN_ROWS,
} from '../recording/code-record.ts';
import type { SqlFailure } from '../recording/recording.ts';

export type TakenMoment = Extract<CodeMoment, { readonly readings: readonly CodeReading[] }>;

/** A change that was there when the step of this version had ended, and not before. */
export type CodeChange = { readonly afterStep: string; readonly statement: CodeStatement } & (
  | { readonly kind: 'breaks'; readonly error: SqlFailure }
  | { readonly kind: 'begins to work' }
  /** Large tables that the plan reads from end to end, and did not before. */
  | { readonly kind: 'full scan'; readonly scans: readonly FullScan[] }
);

export function takenMoments({ moments }: CodeRecord): readonly TakenMoment[] {
  return moments.filter((moment): moment is TakenMoment => 'readings' in moment);
}

/** In the order of the steps; a reading that was not measured is passed over. */
export function codeChanges(code: CodeRecord): readonly CodeChange[] {
  const taken = takenMoments(code);
  const changes = code.statements.map((statement, index) => {
    let before: CodeReading | null = null;
    let planned: readonly FullScan[] | null = null;
    return taken.map(({ afterStep, readings }): readonly CodeChange[] => {
      const now = readings[index];
      if (now === undefined || now.outcome === 'not measured') return [];
      const [was, had] = [before, planned];
      before = now;
      if (now.outcome === 'works' && !('notMeasured' in now.fullScans)) planned = now.fullScans;
      if (was === null || afterStep === null) return [];
      const place = { afterStep, statement };
      if (now.outcome === 'breaks')
        return was.outcome === 'breaks' ? [] : [{ ...place, kind: 'breaks', error: now.error }];
      const begins: readonly CodeChange[] =
        was.outcome === 'breaks' ? [{ ...place, kind: 'begins to work' }] : [];
      const scans = newScans(had, now.fullScans);
      return scans.length === 0 ? begins : [...begins, { ...place, kind: 'full scan', scans }];
    });
  });
  return taken.flatMap((_, moment) => changes.flatMap((each) => each[moment] ?? []));
}

function newScans(
  before: readonly FullScan[] | null,
  now: readonly FullScan[] | { readonly notMeasured: string },
): readonly FullScan[] {
  if (before === null || 'notMeasured' in now) return [];
  return now.filter(
    ({ table, rows }) =>
      (rows === null || rows > LARGE_SCAN_ROWS) && !before.some((scan) => scan.table === table),
  );
}
