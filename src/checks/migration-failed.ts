import { exactly } from '../recording/figure.ts';
import type { Recording, SqlFailure, Step } from '../recording/recording.ts';
import type { Check, Detail, Finding } from './check.ts';
import { statement } from './finding.ts';

const id = 'migration-failed';
const SOURCE = 'steps of the migration tool';

export const migrationFailed: Check = {
  id,
  title: 'Migration failed',
  condition: 'A pending migration failed, or one after it was not run. It needs no budget.',
  effect:
    'The release stops halfway: the new code cannot go out, and what already took effect may break the old code. ' +
    'Many tools refuse to go on until somebody has repaired their ledger by hand.',
  workaround:
    'Correct the statement that failed. Let one migration change one thing, so that a failure leaves nothing half ' +
    'done, and keep statements that cannot run in a transaction in files of their own.',

  check(recording) {
    if (recording.steps.length === 0) return [nothingRan(recording)];
    const failed = recording.steps.filter(({ outcome }) => outcome === 'failed');
    const notRun = recording.steps.filter(({ outcome }) => outcome === 'not run');
    if (failed.length > 0) return failed.map((step) => failure(recording, step, notRun));
    const facts = { checkId: id, subject: 'migrations', unit: 'count' } as const;
    const applied = exactly(recording.steps.length - notRun.length, SOURCE);
    if (notRun.length === 0)
      return [statement({ ...facts, verdict: 'pass', what: 'applied', figure: applied })];
    const reason = `${notRun.map(({ file }) => file).join(', ')}: not run`;
    return [statement({ ...facts, verdict: 'inconclusive', what: 'applied', figure: applied, reason })];
  },
};

function nothingRan({ migrations: { pending }, ended }: Recording): Finding {
  const nothingPending =
    ended.how === 'completed'
      ? 'no migration was pending, so nothing was rehearsed'
      : 'the migrations were not reached';
  const reason =
    pending.length === 0
      ? nothingPending
      : `none of the pending migrations was reached: ${pending.join(', ')}`;
  return statement({
    checkId: id,
    verdict: 'inconclusive',
    subject: 'migrations',
    what: 'applied',
    figure: { notMeasured: reason },
    unit: 'count',
  });
}

function failure(recording: Recording, step: Step, notRun: readonly Step[]): Finding {
  const failed = step.statements.findLast(({ outcome }) => outcome === 'failed');
  const error = failed?.error ?? step.error;
  const code = error?.code === null || error === null ? '' : ` (${error.code})`;
  const where = failed === undefined ? '' : ` at line ${failed.line}`;
  const tries = step.attempts > 1 ? ` at the last of ${step.attempts} attempts` : '';
  return statement({
    checkId: id,
    verdict: 'fail',
    subject: step.file,
    what: `statement failed${where}${tries}: ${(error?.message ?? 'the tool gave no reason').replace(/\.$/, '')}${code}`,
    figure: exactly(1, SOURCE),
    unit: 'count',
    statementId: failed?.id ?? null,
    details: [
      ...insteadOf(error),
      ...leftBehind(step),
      ...madeUpRows(recording, error?.code ?? null),
      ...notRun.map(({ file }) => text(`${file} was not run`)),
    ],
  });
}

/** Clauses that the server would take, the cheapest algorithm first. */
function insteadOf(error: SqlFailure | null): readonly Detail[] {
  return (error?.accepted ?? []).map(({ algorithm, locks }) =>
    text(
      `the server would take ALGORITHM=${algorithm} ` +
        `${locks.length === 0 ? 'without LOCK' : `with LOCK=${locks.join(' or ')}`} (asked on empty tables of the same shape)`,
    ),
  );
}

/**
 * Postgres: the classes "data exception" and "integrity constraint violation", https://www.postgresql.org/docs/current/errcodes-appendix.html;
 * MySQL and MariaDB: duplicate and null values, foreign keys, checks, values that do not fit the new type,
 * https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
 */
const OF_ROWS =
  /^(2[23][0-9A-Z]{3}|1022|1048|1062|1138|1216|1263|1264|1265|1292|1366|1406|1452|1586|3140|3819|4025)$/;

/** Where a row broke the statement and rows were generated, production's may not break it. */
function madeUpRows({ filling }: Recording, code: string | null): readonly Detail[] {
  if (code === null || !OF_ROWS.test(code) || !filling.some(({ generated }) => generated)) return [];
  return [
    text(
      "the rows here are generated: where production's pass, say in data.tables.<table>.columns.<column> what they hold, " +
        'or fill from a dump',
    ),
  ];
}

/** What the failed step left in the database, statement by statement. */
function leftBehind(step: Step): readonly Detail[] {
  const stays = step.statements.filter(({ effect }) => effect === 'took effect');
  const unknown = step.statements.filter(({ effect }) => effect === 'unknown');
  if (stays.length === 0 && unknown.length === 0) return [text('nothing of it is left in the database')];
  return [
    ...stays.map(({ line, text: sql }) => text(`half applied: line ${line} took effect and stays: ${sql}`)),
    ...unknown.map(({ line, text: sql }) => text(`it is not known whether line ${line} took effect: ${sql}`)),
  ];
}

function text(what: string): Detail {
  return { what, figure: null, unit: 'count' };
}
