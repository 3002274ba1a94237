/** Which statement made which relation grow. Cells are not yet escaped. */
import { statementById } from '../checks/span.ts';
import { isMeasured } from '../recording/figure.ts';
import type { Recording, StatementGrowth } from '../recording/recording.ts';
import { count, figureInCell } from './format.ts';
import type { Table } from './tables.ts';

const ROWS_SHOWN = 12;

export function growthTable(recording: Recording, growth: readonly StatementGrowth[]): Table {
  const largest = growth.toSorted((one, other) => upperOf(other) - upperOf(one));
  return {
    title: 'Growth by statement',
    head: ['statement', 'relation', 'kind', 'grew by', 'file'],
    rows: largest.slice(0, ROWS_SHOWN).map(({ statementId, relation, kind, grewBytes, newFile }) => {
      const placed = statementById(recording, statementId);
      return [
        placed === null ? '–' : `${placed.step.file}:${placed.statement.line}`,
        relation ?? (kind === 'temporary' ? 'temporary files' : 'gone before it was named'),
        kind,
        figureInCell(grewBytes, 'bytes'),
        newFile ? 'new' : 'as before',
      ];
    }),
    numeric: [3],
    note:
      'From the start of the statement to the largest size while it ran. A new file is the statement’s alone; one that was ' +
      `there has what the load wrote meanwhile too.${growth.length > ROWS_SHOWN ? ` ${count(growth.length - ROWS_SHOWN)} more in the recording.` : ''}`,
  };
}

function upperOf({ grewBytes }: StatementGrowth): number {
  return isMeasured(grewBytes) ? grewBytes.upper : 0;
}
