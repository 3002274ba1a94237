import { type Figure, notMeasured } from '../recording/figure.ts';
import type { ObservedChange, Recording, StatementRecord } from '../recording/recording.ts';
import type { Check } from './check.ts';
import { statement } from './finding.ts';
import { statementById, statementsOf } from './span.ts';

const id = 'algorithm-copied';

export const algorithmCopied: Check = {
  id,
  title: 'ALTER that silently copied its table',
  condition:
    'The server carried out an ALTER TABLE with the copy algorithm, and the statement names no ALGORITHM: the server ' +
    'chose it by itself. It needs no budget.',
  effect:
    'Every row is written into a new table, which the disk holds beside the old one. Reads go on meanwhile; writes wait for ' +
    'all of it, but on MariaDB from 11.2 on, which copies most tables while they are written.',
  workaround:
    'Name the algorithm that you expect (ALGORITHM=INSTANT, or ALGORITHM=INPLACE, LOCK=NONE): the server then refuses ' +
    'at once instead of copying. Where only a copy can do it, split the change, or use an online schema change tool; ' +
    'ALGORITHM=COPY says that the copy is meant.',

  check(recording) {
    return recording.changes
      .filter(({ algorithm }) => algorithm === 'copy')
      .flatMap((change) => {
        const blamed = blamedStatement(recording, change);
        if (blamed === null) return [];
        return [
          statement({
            checkId: id,
            verdict: 'fail',
            subject: change.relation,
            what: 'copied by an ALTER that names no ALGORITHM',
            figure: durationOf(blamed),
            unit: 'ms',
            statementId: blamed.id,
          }),
        ];
      });
  },
};

/** The statement that the change is known to be of, else the only one that may be; null when it names its algorithm. */
function blamedStatement(
  recording: Recording,
  { statementId, relation }: ObservedChange,
): StatementRecord | null {
  const known = statementById(recording, statementId)?.statement;
  if (known !== undefined) return isSilent(known.text) ? known : null;
  const table = relation.slice(relation.lastIndexOf('.') + 1).toLowerCase();
  const able = statementsOf(recording)
    .map((placed) => placed.statement)
    .filter(({ effect, text }) => effect === 'took effect' && bare(text).toLowerCase().includes(table));
  // A copy tells as many affected rows as it copied, the other algorithms none.
  const copying = able.filter(({ text, rows }) => CHANGES_TABLE.test(bare(text)) && (rows ?? 0) > 0);
  return (copying.length > 0 ? copying : able).find(({ text }) => isSilent(text)) ?? null;
}

const CHANGES_TABLE = /^\s*(alter\b|create\b[^(]*\bindex\b|drop\s+index\b)/i;

/** True for a statement that might have named its algorithm, and did not. */
function isSilent(text: string): boolean {
  const words = bare(text);
  return CHANGES_TABLE.test(words) && !/\balgorithm\s*(=|\s)\s*\w/i.test(words);
}

/** Without comments and quoted text, in which the word would mean nothing; quoted names stay. */
function bare(text: string): string {
  return text.replace(/\/\*(?!!)[\s\S]*?\*\/|(--\s|#)[^\n]*|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"/g, ' ');
}

function durationOf({ durationMs }: StatementRecord): Figure {
  return 'lower' in durationMs ? durationMs : notMeasured(durationMs.notMeasured);
}
