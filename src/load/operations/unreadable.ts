/** What is wrong with the workload files of a scenario whatever its schema is: known before any server runs. */
import type { Dialect } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import type { LoadSettings } from '../../scenario/plan.ts';
import { renderReferences } from './references.ts';
import { type DraftOperation, type DraftStatement, parseWorkload } from './workload.ts';
import { readWorkload } from './workload-file.ts';

export interface WorkloadFilesRequest {
  readonly settings: Pick<LoadSettings, 'operationsFile' | 'nextOperationsFile'>;
  readonly dialect: Dialect;
  /** The scenario wants a replica. */
  readonly replica: boolean;
}

/** One UsageError with all problems of both files, each with file and line. */
export async function refuseUnreadableWorkload(request: WorkloadFilesRequest): Promise<void> {
  const { operationsFile, nextOperationsFile } = request.settings;
  const problems = [
    ...(await problemsOf(request, operationsFile, 'load.operations')),
    ...(await problemsOf(request, nextOperationsFile, 'load.nextOperations')),
  ];
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

async function problemsOf(
  { dialect, replica }: WorkloadFilesRequest,
  file: string | null,
  key: string,
): Promise<readonly string[]> {
  if (file === null) return [];
  let operations: readonly DraftOperation[];
  try {
    operations = parseWorkload(await readWorkload(file, key), file, dialect);
  } catch (error) {
    if (error instanceof UsageError) return [error.message];
    throw error;
  }
  return operations.flatMap((operation) => [
    ...(operation.replica ? replicaProblems(operation, dialect, replica) : []).map(
      ({ line, message }) => `${file}:${line}: ${operation.name}: ${message}`,
    ),
    ...parameterProblems(operation.statements, dialect).map(
      ({ line, message }) => `${file}:${line}: ${operation.name}: ${message}`,
    ),
  ]);
}

export interface Problem {
  /** 1-based in the file. */
  readonly line: number;
  readonly message: string;
}

export const NO_REPLICA =
  'it is for the replica, and there is none: write "replica: true" under database, or take "replica" away';
export const READS_ALONE = 'a replica can only be read: take "replica" away from the operation';

function replicaProblems(
  { line, statements }: DraftOperation,
  dialect: Dialect,
  replica: boolean,
): readonly Problem[] {
  if (!replica) return [{ line, message: NO_REPLICA }];
  const writes = statements.some(({ written }) => ['write', 'ddl'].includes(dialect.kindOf(written)));
  return writes ? [{ line, message: READS_ALONE }] : [];
}

/** Parameters that cannot be bound, and hints without one. */
function parameterProblems(statements: readonly DraftStatement[], dialect: Dialect): readonly Problem[] {
  const problems: Problem[] = [];
  const bound: { readonly statement: DraftStatement; readonly references: readonly string[] }[] = [];
  for (const statement of statements) {
    const rendered = renderReferences(statement.written, dialect);
    if (typeof rendered === 'string') problems.push({ line: statement.line, message: rendered });
    else bound.push({ statement, references: rendered.references });
  }
  // Where a statement is unreadable nobody knows its parameters.
  return problems.length > 0
    ? problems
    : looseHints(bound.map(({ statement: { line, hints }, references }) => ({ line, hints, references })));
}

/** Hints for parameters that the statements do not have; a named one may stand above an earlier statement. */
export function looseHints(
  statements: readonly {
    readonly line: number;
    readonly references: readonly string[];
    readonly hints: ReadonlyMap<string, unknown>;
  }[],
): readonly Problem[] {
  const said = new Set<string>();
  return statements.flatMap(({ line, references, hints }) =>
    [...hints.keys()].flatMap((reference) => {
      const named = reference.startsWith(':');
      const fits = named
        ? statements.some((each) => each.references.includes(reference))
        : references.includes(reference);
      if (fits || (named && said.has(reference))) return [];
      said.add(reference);
      return [{ line, message: `the hint for ${reference} fits no parameter: remove it` }];
    }),
  );
}
