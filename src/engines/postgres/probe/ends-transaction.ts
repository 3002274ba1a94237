/** Messages that end a transaction themselves: inside one of ours, what they did could not be taken back. */
import { dialect } from '../text/dialect.ts';

const ENDS =
  /^\s*(?:commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b))(?:\s|;|$)/i;

export function endsTransaction(message: string): boolean {
  return dialect.split(message).some(({ text }) => ENDS.test(dialect.blank(text)));
}
