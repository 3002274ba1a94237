/** How far a placeholder's value reaches: calls that change nothing of it, or little. */
import { closing, enclosing } from '../text/brackets.ts';
import { isToken, type Token } from '../text/scan.ts';

/** A stretch of tokens, both ends included. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

const WRAPPING = [
  ...['lower', 'lcase', 'upper', 'ucase', 'concat', 'trim', 'ltrim', 'rtrim', 'coalesce', 'ifnull', 'date'],
];

/** `lower(?)`, `concat('%', ?, '%')`, `binary ?` are compared with what ? is. */
export function outOfCalls(tokens: readonly Token[], at: number): Stretch {
  let whole: Stretch = { from: at, to: at };
  for (;;) {
    if (isToken(tokens[whole.from - 1], 'binary')) {
      whole = { from: whole.from - 1, to: whole.to };
      continue;
    }
    const open = enclosing(tokens, whole.from)?.open ?? null;
    if (open === null || !WRAPPING.some((word) => isToken(tokens[open - 1], word))) return whole;
    whole = { from: open - 1, to: closing(tokens, open) };
  }
}

/** Calls whose value is mostly their first argument, or that in other letters. */
const FIRST_ARGUMENT = [
  ...['coalesce', 'ifnull', 'nullif', 'trim', 'ltrim', 'rtrim', 'lower', 'lcase', 'upper', 'ucase', 'cast'],
];

/** `coalesce(?, a)`, `if(b, ?, a)`, `case when b then ? else a end`: the value that ? is, or is one of. */
export function valueAround(tokens: readonly Token[], at: number): Stretch {
  let whole: Stretch = { from: at, to: at };
  for (;;) {
    const branch = caseAround(tokens, whole);
    const call = branch === null ? enclosing(tokens, whole.from) : null;
    if (branch !== null) whole = branch;
    else if (call !== null && isGiven(tokens, call))
      whole = { from: call.open - 1, to: closing(tokens, call.open) };
    else return whole;
  }
}

function isGiven(tokens: readonly Token[], { open, position }: { open: number; position: number }): boolean {
  const name = tokens[open - 1];
  return position === 0 ? FIRST_ARGUMENT.some((word) => isToken(name, word)) : isToken(name, 'if');
}

/** The whole CASE around a value that stands right behind THEN or ELSE. */
function caseAround(tokens: readonly Token[], { from, to }: Stretch): Stretch | null {
  if (!['then', 'else'].some((word) => isToken(tokens[from - 1], word))) return null;
  const isEnd = ['when', 'else', 'end'].some((word) => isToken(tokens[to + 1], word));
  const first = nested(tokens, from - 1, -1);
  const last = nested(tokens, to + 1, 1);
  return isEnd && first !== null && last !== null ? { from: first, to: last } : null;
}

/** The CASE before a place, or the END behind it, past those of inner ones. */
function nested(tokens: readonly Token[], from: number, step: -1 | 1): number | null {
  const [wanted, other] = step === -1 ? ['case', 'end'] : ['end', 'case'];
  let depth = 0;
  for (let at = from; at >= 0 && at < tokens.length; at += step) {
    if (isToken(tokens[at], other)) depth += 1;
    if (!isToken(tokens[at], wanted)) continue;
    if (depth === 0) return at;
    depth -= 1;
  }
  return null;
}
