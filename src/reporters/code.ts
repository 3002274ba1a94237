/** What the steps did to the statements of the application, as a table. */
import { type CodeChange, codeChanges, takenMoments } from '../checks/code-changes.ts';
import type { CodeRecord, Recording } from '../recording/recording.ts';
import { count, counted, duration } from './format.ts';
import type { Table } from './tables.ts';

const CHANGES_SHOWN = 20;

export function codeTable({ steps }: Recording, code: CodeRecord): Table {
  const changes = codeChanges(code);
  const hidden = changes.length - CHANGES_SHOWN;
  const fileOf = (wanted: string): string => steps.find(({ version }) => version === wanted)?.file ?? wanted;
  return {
    title: 'Code and schema',
    head: ['after', 'version', 'operation', 'then'],
    rows: changes
      .slice(0, CHANGES_SHOWN)
      .map((change) => [
        fileOf(change.afterStep),
        change.statement.codeVersion,
        change.statement.operation,
        inWords(change),
      ]),
    numeric: [],
    note: hidden > 0 ? `${count(hidden)} more in the recording.` : null,
  };
}

function inWords(change: CodeChange): string {
  switch (change.kind) {
    case 'breaks':
      return `breaks, ${change.error.code ?? 'no code'}: ${change.error.message}`;
    case 'begins to work':
      return 'begins to work';
    case 'full scan':
      return change.scans
        .map(
          ({ table, rows }) =>
            `reads ${table}${rows === null ? '' : ` (${count(rows)} rows)`} from end to end`,
        )
        .join(', ');
  }
}

/** How often the code was looked at, and what that cost the steps. */
export function codeInWords(code: CodeRecord): string {
  const taken = takenMoments(code);
  const versions = new Set(code.statements.map(({ codeVersion }) => codeVersion));
  const heldUpMs = taken.reduce(
    (sum, { afterStep, durationMs }) => sum + (afterStep === null ? 0 : durationMs),
    0,
  );
  return (
    `${counted(code.statements.length, 'statement')} of the ${[...versions].join(' and the ')} version, prepared and ` +
    `explained ${counted(taken.length, 'time')} as the administrator, the steps held up for ${duration(heldUpMs)}`
  );
}

/** What could not be read of the code, each reason once. */
export function codeGaps(code: CodeRecord): readonly string[] {
  const gaps = code.moments.flatMap((moment) =>
    'notMeasured' in moment
      ? [moment.notMeasured]
      : moment.readings.flatMap((reading, index) =>
          reading.outcome === 'not measured'
            ? [`${code.statements[index]?.operation ?? 'a statement'}: ${reading.reason}`]
            : [],
        ),
  );
  return [...new Set(gaps)];
}
