/** Regular expressions and LIKE patterns of the engines in JavaScript's syntax. */
import { UnreadableExpression } from './tokens.ts';

/** The text as a pattern that matches nothing else. */
export function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A LIKE pattern as a regular expression. */
export function likeToRegex(like: string): string {
  const inside = like.replace(/\\(.)|%|_|[^%_\\]+/g, (part, escaped: string | undefined) => {
    if (escaped !== undefined) return escapeRegex(escaped);
    if (part === '%') return '.*';
    return part === '_' ? '.' : escapeRegex(part);
  });
  return `^${inside}$`;
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: ' ',
  xdigit: '0-9A-Fa-f',
  punct: '.,;:!?-',
};

/** A POSIX regular expression in JavaScript's syntax; throws {@link UnreadableExpression} when it has none. */
export function translateRegex(source: string): string {
  const translated = source
    .replace(/\[:(\w+):\]/g, (_, name: string) => CLASSES[name] ?? name)
    .replace(/^\*\*\*=|\\A/g, '^')
    .replace(/\\Z/g, '$');
  try {
    new RegExp(translated);
  } catch (error) {
    throw new UnreadableExpression(`the pattern "${source}" is not understood`, { cause: error });
  }
  return translated;
}

/** A pattern of SIMILAR TO, as LIKE with alternatives, groups, classes and counts. */
export function similarToRegex(pattern: string): string {
  const inside = pattern.replace(/\\(.)|\[[^\]]*\]|[%_.^$]/g, (part) => {
    if (part === '%') return '.*';
    if (part === '_') return '.';
    return part.length === 1 ? `\\${part}` : part;
  });
  return translateRegex(`^(?:${inside})$`);
}
