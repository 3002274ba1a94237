import { EnvironmentError } from '../errors.ts';

/** A dump of SQL text without the comment that its maker writes last. */
export function cutShort(mark: string): EnvironmentError {
  return new EnvironmentError(
    `the dump is cut short: it does not end with "${mark}", as a complete one does. Make it again, or copy it again.`,
  );
}
