/** Statements inside of others (blocks, functions), from the context of a line. Pure. */
import type { InsideMark, Mark, Open } from './message.ts';
import { blankStatement, type TrackedStatement } from './message.ts';
import { shapeOf } from './shape.ts';

/** Different ones in one message; a loop may make each of a million. */
const MOST_INSIDE = 1_000;

/** The innermost context comes first; the text may hold quotes and line ends. */
const INSIDE =
  /^(SQL statement|PL\/pgSQL expression|PL\/pgSQL assignment) "([\s\S]*?)"(?:\n(?:PL\/|SQL function|SQL statement|extension script)([^\n]*)|$)/;
/** Before 14 expressions are called statements; the place in the function tells them apart. */
const OF_AN_EXPRESSION =
  / at (?:assignment|IF|CASE|WHILE|FOR with integer loop variable|FOREACH over array|RETURN|RETURN NEXT|RAISE|ASSERT|EXIT|CONTINUE)$| (?:during statement block local variable initialization|while storing call arguments into local variables)$/;

/** About to be executed, and not merely checked as it is created. */
const OF_A_FUNCTION = /^SQL function "[\s\S]*?" (?:statement \d+|during startup)/;

/** Equal ones but for their values count as one, from the first on. */
export function noteInside(
  { inside, linesInside, untoldInside, marks }: Open,
  context: string,
  mark: Mark,
): void {
  const after = marks.length;
  linesInside.set(after, (linesInside.get(after) ?? 0) + 1);
  const [, kind, text = '', place = ''] = INSIDE.exec(context) ?? [];
  if (OF_A_FUNCTION.test(context)) untoldInside.add(after);
  if (kind === undefined || text.trim() === '') return;
  const key = `${after} ${shapeOf(text)}`;
  if (inside.has(key) || inside.size >= MOST_INSIDE) return;
  const expression = kind !== 'SQL statement' || OF_AN_EXPRESSION.test(place);
  inside.set(key, { text: text.trim(), expression, first: mark, after });
}

/** Beneath the statements of their message, `owners` telling whose they are. */
export function insideStatements(
  inside: Iterable<InsideMark>,
  owners: readonly number[],
): readonly TrackedStatement[] {
  return [...inside].map(({ text, expression, first, after }) => ({
    ...blankStatement(text, first.started, first),
    within: owners[after - 1] ?? 0,
    expression,
  }));
}
