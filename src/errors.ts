/**
 * Three kinds of error: UsageError (exit 2), EnvironmentError (exit 3), and bugs, which keep their stack.
 * A message says what happened, with the value quoted, then what to do.
 */

/** The user asked for something that cannot be: a wrong option, value, file or scenario. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The machine, a server or a tool cannot do what was asked. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** The work was interrupted by a signal, whose name is the message; exit 130. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

const MAX_CAUSES = 5;

/** What went wrong first: an error while cleaning up holds the one before it (SuppressedError), which is what to tell. */
export function firstError(error: unknown): unknown {
  let first = error;
  while (first instanceof Error && first.name === 'SuppressedError' && 'suppressed' in first)
    first = first.suppressed;
  return first;
}

/** An error as text: its message and those of its causes, one a line, secrets redacted; bugs with their stack. */
export function explain(error: unknown): string {
  const lines: string[] = [];
  let current: unknown = firstError(error);
  for (let depth = 0; current !== undefined && current !== null && depth < MAX_CAUSES; depth += 1) {
    const message = messageOf(current, depth === 0);
    if (!lines.some((line) => line.includes(message)))
      lines.push(depth === 0 ? message : `  because: ${message}`);
    current = current instanceof Error ? current.cause : undefined;
  }
  return redact(lines.join('\n'));
}

function messageOf(error: unknown, outermost: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof InterruptedError) return `interrupted by ${error.message}`;
  if (isKnown(error) || !outermost) return error.message || error.name;
  return `${error.stack ?? error.message}\nThis is a defect of rehearse: please report it with the text above.`;
}

/** True for errors whose message alone is enough for the user. */
export function isKnown(error: unknown): boolean {
  return (
    error instanceof UsageError || error instanceof EnvironmentError || error instanceof InterruptedError
  );
}

/** Hides passwords in URLs and in key=value text. */
export function redact(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@]*@/gi, '$1***@')
    .replace(/((?:password|pwd|passwd|secret)\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&)]+)/gi, '$1***');
}

/** Exit code of the command for an error: 2 wrong usage, 130 interrupted, 3 for everything that kept it from rehearsing. */
export function exitCodeOf(error: unknown): number {
  const first = firstError(error);
  if (first instanceof UsageError) return 2;
  if (first instanceof InterruptedError) return 130;
  return 3;
}
