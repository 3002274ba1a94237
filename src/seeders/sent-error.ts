/** Errors on their way from one thread to another, which keeps neither their class nor what is attached to them. */
import { EnvironmentError, UsageError } from '../errors.ts';

export interface SentError {
  readonly kind: 'usage' | 'environment' | 'other';
  readonly message: string;
  readonly stack: string | null;
  readonly cause: SentError | null;
}

/** Longer chains are cut; nobody reads them. */
const CAUSES_MAX = 8;

export function sendable(error: unknown, depth = 0): SentError {
  if (!(error instanceof Error)) return { kind: 'other', message: String(error), stack: null, cause: null };
  const { message, stack = null, cause } = error;
  const further = cause === undefined || depth === CAUSES_MAX ? null : sendable(cause, depth + 1);
  const kind =
    error instanceof UsageError ? 'usage' : error instanceof EnvironmentError ? 'environment' : 'other';
  return { kind, message, stack, cause: further };
}

/** An error of the same class with the same texts. */
export function received({ kind, message, stack, cause }: SentError): Error {
  const options = cause === null ? undefined : { cause: received(cause) };
  if (kind === 'usage') return new UsageError(message, options);
  if (kind === 'environment') return new EnvironmentError(message, options);
  const error = new Error(message, options);
  if (stack !== null) error.stack = stack;
  return error;
}
