/** Which statement of a step an entry of the server's journal is, and what the step learns from it. Pure. */
import { exactly, type Figure, isMeasured } from '../recording/figure.ts';
import type { JournalStatement, StatementRecord, Step } from '../recording/recording.ts';

/** An entry as it is followed; the match is filled in. */
export type Entry = { -readonly [Key in keyof JournalStatement]: JournalStatement[Key] };

/** From the sender's stamp to the server's line, both ways: an hour's drift of two clocks, and a slice of a scheduler. */
const SLACK_MS = 100;

/**
 * Finds the entries of a step's statements, by session, text and order, and marks them; returns the step with the
 * server's own times in place of the sender's. What has no entry stays as the sender saw it. Once for each step.
 */
export function withServerTimes(step: Step, entries: readonly Entry[]): Step {
  let from = 0;
  const statements = step.statements.map((record) => {
    if (record.sessionId === null || record.outcome === 'not run') return record;
    const found = entries.findIndex((entry, index) => index >= from && isEntryOf(entry, record));
    const entry = entries[found];
    if (entry === undefined) return record;
    from = found + 1;
    entry.statementId = record.id;
    entry.rows = asAnswered(entry.rows, record.rows);
    return timed(record, entry);
  });
  return { ...step, statements };
}

function isEntryOf(entry: Entry, record: StatementRecord): boolean {
  if (entry.statementId !== null || entry.within !== null || entry.outcome === 'not run') return false;
  return entry.sessionId === record.sessionId && beganWith(entry, record) && sameText(entry, record);
}

function beganWith({ startedAtMs }: Entry, record: StatementRecord): boolean {
  return isMeasured(startedAtMs) && startedAtMs.upper + SLACK_MS >= record.startedAtMs;
}

/** A COPY travels without its data; what the server could not read has no text, and a long one may be cut. */
function sameText({ text, textCut, outcome, error }: Entry, record: StatementRecord): boolean {
  if (text === record.text || record.text.startsWith(`${text};\n`)) return true;
  const [told, sent] = [bare(text), bare(record.text)];
  if (told !== '' && (told === sent || (textCut === true && sent.startsWith(told)))) return true;
  return text === '' && outcome === 'failed' && record.error !== null && error?.code === record.error.code;
}

/** Without the comments and blanks before it, and the semicolon after it, which belong to it on one side only. */
function bare(text: string): string {
  return text.replace(/^(?:\s|--.*(?:\n|$)|#.*(?:\n|$)|\/\*[^!+][\s\S]*?\*\/)+/, '').replace(/[\s;]+$/, '');
}

/** The server answers each statement with its rows; what it counts of equal ones together is less than that. */
function asAnswered(counted: Figure, answered: number | null): Figure {
  if (answered === null || (isMeasured(counted) && counted.lower === counted.upper)) return counted;
  return exactly(answered, 'answer to the sender');
}

function timed(record: StatementRecord, { startedAtMs, durationMs, rows }: Entry): StatementRecord {
  if (!isMeasured(durationMs) || !isMeasured(startedAtMs)) return record;
  return {
    ...record,
    startedAtMs: (startedAtMs.lower + startedAtMs.upper) / 2,
    durationMs,
    ...(isMeasured(record.durationMs) ? { answeredAfterMs: record.durationMs } : {}),
    rows: isMeasured(rows) && rows.lower === rows.upper ? rows.lower : record.rows,
  };
}
