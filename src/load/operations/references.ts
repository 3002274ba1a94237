/** The parameters of a statement as written, `$1` or `:name`, and the statement as the engine wants it. */
import type { Dialect } from '../../engines/engine.ts';

export interface RenderedStatement {
  /** With the engine's placeholders. */
  readonly text: string;
  /** `$1` or `:name` of each bound value, in the order in which they are bound. */
  readonly references: readonly string[];
}

interface Occurrence {
  readonly reference: string;
  readonly from: number;
}

/**
 * A `:name` begins behind neither a colon, a word nor a bracket, so that casts (`::text`) and slices (`a[1:n]`) are
 * left alone. An engine whose placeholders are numbered binds a reference once, another one each time it occurs.
 * Gives the problem as text when the references cannot be bound.
 */
export function renderReferences(written: string, dialect: Dialect): RenderedStatement | string {
  const bare = dialect.blank(written);
  const occurrences: Occurrence[] = [...bare.matchAll(/\$\d+|(?<![:\w[\]]):[A-Za-z_]\w*/g)].map((match) => ({
    reference: match[0],
    from: match.index,
  }));
  const numbered = dialect.placeholder(1) !== dialect.placeholder(2);
  const problem = problemOf(occurrences, numbered ? null : { bare, placeholder: dialect.placeholder(1) });
  if (problem !== null) return problem;

  const references = numbered ? distinct(occurrences) : occurrences.map(({ reference }) => reference);
  let text = '';
  let at = 0;
  occurrences.forEach(({ reference, from }, index) => {
    const position = numbered ? references.indexOf(reference) + 1 : index + 1;
    text += written.slice(at, from) + dialect.placeholder(position);
    at = from + reference.length;
  });
  return { text: text + written.slice(at), references };
}

function problemOf(
  occurrences: readonly Occurrence[],
  unnumbered: { readonly bare: string; readonly placeholder: string } | null,
): string | null {
  if (unnumbered?.bare.includes(unnumbered.placeholder)) {
    return `"${unnumbered.placeholder}" is no parameter here: write $1, $2... or :name`;
  }
  const numbers = distinct(occurrences).filter((reference) => reference.startsWith('$'));
  const names = distinct(occurrences).filter((reference) => reference.startsWith(':'));
  if (numbers.length > 0 && names.length > 0) {
    return `${numbers[0]} and ${names[0]} stand in one statement: write either numbers or names`;
  }
  const missing = numbers.map((_, index) => `$${index + 1}`).find((number) => !numbers.includes(number));
  return missing === undefined ? null : `${missing} is missing: number the parameters from $1 without a gap`;
}

/** In the order of their numbers, or of their first occurrence. */
function distinct(occurrences: readonly Occurrence[]): readonly string[] {
  const references = [...new Set(occurrences.map(({ reference }) => reference))];
  if (!references.every((reference) => reference.startsWith('$'))) return references;
  return references.sort((one, other) => Number(one.slice(1)) - Number(other.slice(1)));
}
