/**
 * The workload file: SQL statements with their names, weights and hints in comments above them.
 *
 *     -- name: pay_order  weight: 5  transaction
 *     -- :order: orders.id zipf
 *     update orders set status = 'paid' where id = :order;
 *     insert into payments (order_id, amount) values (:order, :amount);
 *
 * `replica` behind the weight sends the operation, which may only read, to the replica (`database.replica`).
 *
 * Parameters are `:name`, one value for the whole operation, or `$1`, one value for the statement. A hint says where
 * the value comes from: `TABLE.COLUMN` (a live value, picked `zipf`, `uniform` or `latest`; or `any`: what the
 * generator gives some row; or `new`: what it gives a new row), a range of integers `1..100`, or the values themselves:
 * `'7 days', '1 year'`.
 */
import type { Dialect } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import type { Operation, ParameterSource } from '../load.ts';

export type Hint =
  | {
      readonly kind: 'column';
      /** "orders.id", "audit.events.id". */
      readonly name: string;
      readonly pick: (typeof PICKS)[number] | null;
    }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  /** One of these texts, each as often as the others. */
  | { readonly kind: 'value'; readonly values: readonly string[] };

export interface DraftStatement {
  /** Without the terminator, with `$1` or `:name`. */
  readonly written: string;
  /** 1-based in the file. */
  readonly line: number;
  /** Hints by reference (`$1` of this statement, `:name` of the operation). */
  readonly hints: ReadonlyMap<string, Hint>;
}

/** An operation as written, before the server was asked about it. */
export interface DraftOperation {
  readonly name: string;
  readonly weight: number;
  readonly transaction: boolean;
  /** Set where it goes to the replica. */
  readonly replica?: true;
  readonly line: number;
  readonly statements: readonly DraftStatement[];
}

/** Statement names are made of it; Postgres cuts names at 63 bytes. */
const MAX_NAME_LENGTH = 50;
const HEADER =
  'write "-- name: NAME  weight: NUMBER  transaction  replica" (weight, transaction and replica are optional)';
const HINT_FORMS =
  'write "TABLE.COLUMN", "TABLE.COLUMN zipf" (or uniform, latest, any, new), a range of integers "1..100", or values "\'a\', \'b\'"';

/** Parses a workload file; all problems are reported in one UsageError, each with file and line. */
export function parseWorkload(text: string, file: string, dialect: Dialect): readonly DraftOperation[] {
  const problems: { readonly line: number; readonly message: string }[] = [];
  const operations: MutableDraft[] = [];
  const problem = (line: number, message: string): void => void problems.push({ line, message });

  let hints: PendingHint[] = [];
  for (const part of partsOf(text, dialect)) {
    if ('comment' in part) {
      readComment(part.comment, part.line);
      continue;
    }
    const operation = operations.at(-1);
    if (operation === undefined) {
      problem(part.line, `this statement has no name: ${HEADER} above it`);
      break;
    }
    if (dialect.kindOf(part.written) === 'transaction') {
      problem(
        part.line,
        `"${firstWords(part.written)}" is not needed: write "transaction" after the name instead`,
      );
    }
    operation.statements.push({
      written: part.written,
      line: part.line,
      hints: new Map(hints.map(({ reference, hint }) => [reference, hint])),
    });
    hints = hints
      .filter(({ reference }) => reference.startsWith(':'))
      .map((hint) => ({ ...hint, used: true }));
  }
  refuseLooseHints();
  checkOperations(operations, problem);
  if (operations.length === 0 && problems.length === 0) {
    throw new UsageError(`${file}: holds no operation: ${HEADER} above each statement`);
  }
  const inOrder = problems.toSorted((one, other) => one.line - other.line);
  if (inOrder.length > 0)
    throw new UsageError(inOrder.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'));
  return operations;

  function refuseLooseHints(): void {
    for (const { line, used } of hints) {
      if (!used)
        problem(line, 'this hint stands above no statement: move it below the name, above its statement');
    }
    hints = [];
  }

  function readComment(comment: string, line: number): void {
    const hint = /^(\$\d+|:[A-Za-z_]\w*)\s*:?\s*(.*)$/.exec(comment);
    if (hint?.[1] !== undefined) {
      const parsed = parseHint(hint[2] ?? '');
      if (parsed === null) problem(line, `the hint "${comment}" is not understood: ${HINT_FORMS}`);
      else hints.push({ reference: hint[1], hint: parsed, line, used: false });
      return;
    }
    if (!/^(name|weight)\s*:/i.test(comment)) return;
    refuseLooseHints();
    const { header, wrong } = parseHeader(comment, line);
    if (wrong !== null) problem(line, wrong);
    operations.push({ ...header, line, statements: [] });
  }
}

interface PendingHint {
  readonly reference: string;
  readonly hint: Hint;
  readonly line: number;
  /** A statement has it; a hint of a `:name` also holds for the statements that follow in the operation. */
  readonly used: boolean;
}

interface MutableDraft extends Omit<DraftOperation, 'statements'> {
  readonly statements: DraftStatement[];
}

type Part =
  | { readonly comment: string; readonly line: number }
  | { readonly written: string; readonly line: number };

/** Statements, and the line comments that stand between them, in their order. */
function* partsOf(text: string, dialect: Dialect): Generator<Part> {
  let offset = 0;
  for (const statement of dialect.split(text)) {
    yield* commentsIn(text, offset, statement.offset);
    yield { written: statement.text, line: statement.line };
    offset = statement.offset + statement.text.length;
  }
  yield* commentsIn(text, offset, text.length);
}

function* commentsIn(text: string, from: number, to: number): Generator<Part> {
  let line = text.slice(0, from).split('\n').length;
  const between = text.slice(from, to).replace(/\/\*[\s\S]*?\*\//g, (block) => block.replace(/[^\n]/g, ''));
  for (const row of between.split('\n')) {
    const comment = /^[\s;]*--\s*(.*?)\s*$/.exec(row)?.[1];
    if (comment !== undefined) yield { comment, line };
    line += 1;
  }
}

interface ParsedHeader {
  readonly header: Pick<DraftOperation, 'name' | 'weight' | 'transaction' | 'replica'>;
  readonly wrong: string | null;
}

/** A header that is wrong still begins an operation, so that what follows is checked as well. */
function parseHeader(comment: string, line: number): ParsedHeader {
  const found: { name: string | null; weight: number; transaction: boolean; replica?: true } = {
    name: null,
    weight: 1,
    transaction: false,
  };
  const rest = comment.replace(/(\w+)\s*:\s*(\S+)|(\S+)/g, (all, key?: string, value?: string) => {
    if (key?.toLowerCase() === 'name') found.name = value ?? null;
    else if (key?.toLowerCase() === 'weight') found.weight = Number(value);
    else if (all.toLowerCase() === 'transaction') found.transaction = true;
    else if (all.toLowerCase() === 'replica') found.replica = true;
    else return all;
    return '';
  });
  const header = { ...found, name: found.name ?? `operation_of_line_${line}` };
  return { header, wrong: headerProblem(found, rest.trim()) };
}

function headerProblem(
  { name, weight }: { name: string | null; weight: number },
  rest: string,
): string | null {
  if (rest !== '') return `"${rest}" is not understood: ${HEADER}; a name has no spaces`;
  if (name === null) return `the operation has no name: ${HEADER}`;
  if (!(Number.isFinite(weight) && weight > 0))
    return `the weight of "${name}" is no number above 0: ${HEADER}`;
  return null;
}

function parseHint(text: string): Hint | null {
  const range = /^(-?\d+)\s*\.\.\s*(-?\d+)$/.exec(text);
  if (range !== null) {
    const [min, max] = [Number(range[1]), Number(range[2])];
    return min <= max ? { kind: 'integer', min, max } : null;
  }
  if (VALUES.test(text))
    return {
      kind: 'value',
      values: [...text.matchAll(VALUE)].map(([, value = '']) => value.replaceAll("''", "'")),
    };
  const [, name = text, last] = /^(.*\S)\s+(\S+)$/.exec(text) ?? [];
  const pick = PICKS.find((known) => known === last) ?? null;
  // A name with a space in it is one where a pick stands behind it, as writeHint puts it; else that pick is misspelt.
  if (pick === null && last !== undefined) return null;
  return /\S\.\S/.test(name) ? { kind: 'column', name, pick } : null;
}

/** Texts in single quotes, a quote inside doubled, with commas between them. */
const VALUE = /'((?:[^']|'')*)'/g;
const VALUES = /^'(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*$/;

const PICKS = ['zipf', 'uniform', 'latest', 'new', 'any'] as const;

function checkOperations(
  operations: readonly DraftOperation[],
  problem: (line: number, text: string) => void,
): void {
  const lines = new Map<string, number>();
  for (const { name, line, statements } of operations) {
    const before = lines.get(name);
    if (before !== undefined)
      problem(line, `the name "${name}" is taken by line ${before}: write another one`);
    lines.set(name, line);
    if (!/^[\w.-]+$/.test(name) || name.length > MAX_NAME_LENGTH) {
      problem(
        line,
        `the name "${name}" must consist of letters, digits, "_", "-", ".", at most ${MAX_NAME_LENGTH}`,
      );
    }
    if (statements.length === 0) problem(line, `"${name}" has no statement: write its SQL below this line`);
  }
}

function firstWords(statement: string): string {
  return statement.split(/\s+/).slice(0, 2).join(' ');
}

/** Prints operations as a workload file with a hint for each parameter; what is read back is the same load. */
export function writeWorkload(operations: readonly Operation[]): string {
  return operations.map(writeOperation).join('\n');
}

function writeOperation({ record, transaction, statements }: Operation): string {
  const where = record.server === 'replica' ? '  replica' : '';
  const header = `-- name: ${record.name}  weight: ${record.weight}${transaction ? '  transaction' : ''}${where}`;
  const lines = [header];
  const hinted = new Set<string>();
  for (const { written, parameters, references } of statements) {
    references.forEach((reference, position) => {
      const source = parameters[position];
      const hint = source === undefined ? null : writeHint(source);
      if (hint === null || hinted.has(reference)) return;
      if (reference.startsWith(':')) hinted.add(reference);
      lines.push(`-- ${reference}: ${hint}`);
    });
    lines.push(`${written};`);
  }
  return `${lines.join('\n')}\n`;
}

function writeHint(source: ParameterSource): string | null {
  switch (source.from) {
    case 'key':
    case 'key list':
      // An expression is what the statement says, not a hint.
      return source.expression === undefined ? `${source.table}.${source.column} ${source.pick}` : null;
    case 'new row':
      return `${source.table}.${source.column} new`;
    case 'any row':
      return `${source.table}.${source.column} any`;
    case 'integer':
      return `${source.min}..${source.max}`;
    case 'value':
      return source.values.map((value) => `'${value.replaceAll("'", "''")}'`).join(', ');
    default:
      return null;
  }
}
