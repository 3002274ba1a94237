/**
 * Text that matches a regular expression: classes, literals, groups, alternatives and counts, which is what checks use.
 */
import { hash } from '../random.ts';
import { UNBOUNDED } from '../types/source.ts';

type Node =
  | {
      readonly kind: 'characters';
      readonly characters: readonly string[];
      /** Those that differ in more than their case. */
      readonly different: readonly string[];
    }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'alternatives'; readonly items: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number };

/** Texts of a pattern by number. */
export interface PatternTexts {
  /** Distinct texts that `unique` can give. */
  readonly capacity: number;
  plain(row: number): string;
  unique(ordinal: number): string;
}

/** `+` and `*` repeat at most this often unless the length allows less. */
const MAX_REPEATS = 10;

/**
 * Null when the expression has a part that no text can be made for here (look-around, back references).
 * `fold` changes the case of every character.
 */
export function patternTexts(
  source: string,
  maxLength: number,
  { seed, fold }: { readonly seed: number; readonly fold: (text: string) => string },
): PatternTexts | null {
  const root = parse(source, fold);
  if (root === null) return null;
  const shortest = lengthOf(root, 0);
  const open = countOpen(root);
  const extra =
    open === 0 ? 0 : Math.max(0, Math.min(MAX_REPEATS, Math.floor((maxLength - shortest) / open)));
  let capacity = 1;
  const count = (radix: number) => {
    capacity *= radix;
    return 0;
  };
  write(root, extra, { pick: count, fixed: true });
  return {
    capacity: Math.min(UNBOUNDED, capacity),
    plain: (row) => {
      let turn = seed;
      const pick = (radix: number) => {
        turn = (turn + 0x632be5ab) | 0;
        return hash(turn, row) % radix;
      };
      return write(root, extra, { pick, fixed: false });
    },
    unique: (ordinal) => {
      let left = ordinal;
      const pick = (radix: number) => {
        const digit = left % radix;
        left = Math.floor(left / radix);
        return digit;
      };
      return write(root, extra, { pick, fixed: true });
    },
  };
}

interface Choices {
  /** A number below the radix. */
  readonly pick: (radix: number) => number;
  /** All texts have the same shape, so that different choices never give the same text. */
  readonly fixed: boolean;
}

function write(node: Node, extra: number, choices: Choices): string {
  switch (node.kind) {
    case 'characters': {
      const characters = choices.fixed ? node.different : node.characters;
      return characters[choices.pick(characters.length)] ?? '';
    }
    case 'sequence':
      return node.items.map((item) => write(item, extra, choices)).join('');
    case 'alternatives': {
      const chosen = node.items[choices.fixed ? 0 : choices.pick(node.items.length)];
      return chosen === undefined ? '' : write(chosen, extra, choices);
    }
    case 'repeat': {
      const max = Math.min(node.max, node.min + extra);
      const count = choices.fixed ? max : node.min + choices.pick(max - node.min + 1);
      let text = '';
      for (let index = 0; index < count; index += 1) text += write(node.of, extra, choices);
      return text;
    }
  }
}

function lengthOf(node: Node, extra: number): number {
  if (node.kind === 'characters') return 1;
  if (node.kind === 'sequence') return node.items.reduce((sum, item) => sum + lengthOf(item, extra), 0);
  if (node.kind === 'alternatives') return Math.max(...node.items.map((item) => lengthOf(item, extra)));
  return node.min * lengthOf(node.of, extra);
}

/** Characters that one more round of every repeat with room would add. */
function countOpen(node: Node): number {
  if (node.kind === 'characters') return 0;
  if (node.kind === 'sequence') return node.items.reduce((sum, item) => sum + countOpen(item), 0);
  if (node.kind === 'alternatives') return Math.max(...node.items.map(countOpen));
  const inside = Math.max(1, lengthOf(node.of, 0)) + countOpen(node.of);
  return node.max > node.min ? inside : countOpen(node.of) * node.min;
}

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const WORD = `${LOWER}${LOWER.toUpperCase()}${DIGITS}_`;
const ESCAPES: Readonly<Record<string, string>> = {
  d: DIGITS,
  w: WORD,
  s: ' ',
  D: LOWER,
  W: '-',
  S: LOWER,
};
const ANY = `${LOWER}${DIGITS}`;

function parse(source: string, fold: State['fold']): Node | null {
  const state = { fold, source: source.replace(/^\^/, '').replace(/(?<!\\)\$$/, ''), position: 0 };
  const node = parseAlternatives(state);
  return node !== null && state.position === state.source.length ? node : null;
}

interface State {
  readonly source: string;
  readonly fold: (text: string) => string;
  position: number;
}

function parseAlternatives(state: State): Node | null {
  const items: Node[] = [];
  do {
    const sequence = parseSequence(state);
    if (sequence === null) return null;
    items.push(sequence);
  } while (skip(state, '|'));
  return { kind: 'alternatives', items };
}

function skip(state: State, text: string): boolean {
  if (!state.source.startsWith(text, state.position)) return false;
  state.position += text.length;
  return true;
}

function parseSequence(state: State): Node | null {
  const items: Node[] = [];
  while (state.position < state.source.length && !/[|)]/.test(state.source.charAt(state.position))) {
    const atom = parseAtom(state);
    if (atom === null) return null;
    const counted = parseCount(state, atom);
    if (counted === null) return null;
    items.push(counted);
  }
  return { kind: 'sequence', items };
}

function parseAtom(state: State): Node | null {
  if (skip(state, '(')) {
    if (!skip(state, '?:') && state.source.charAt(state.position) === '?') return null;
    const inside = parseAlternatives(state);
    return inside !== null && skip(state, ')') ? inside : null;
  }
  if (skip(state, '[')) return parseClass(state);
  const character = state.source.charAt(state.position);
  state.position += 1;
  if (character === '.') return characters(state, ANY);
  if (character === '\\') return parseEscape(state);
  return /[\^$*+?{]/.test(character) ? null : characters(state, character);
}

function parseEscape(state: State): Node | null {
  const escaped = state.source.charAt(state.position);
  state.position += 1;
  const set = ESCAPES[escaped];
  if (set !== undefined) return characters(state, set);
  return /[A-Za-z0-9]/.test(escaped) || escaped === '' ? null : characters(state, escaped);
}

function parseClass(state: State): Node | null {
  const start = state.position;
  let end = start + (state.source.charAt(start) === '^' ? 2 : 1);
  while (end < state.source.length && state.source.charAt(end) !== ']')
    end += state.source.charAt(end) === '\\' ? 2 : 1;
  if (end >= state.source.length) return null;
  state.position = end + 1;
  const matcher = new RegExp(`[${state.source.slice(start, end)}]`);
  const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
  const all = printable.filter((character) => matcher.test(character));
  // Letters and digits look better than punctuation, which a class such as [^ ] also holds.
  const usual = all.filter((character) => WORD.includes(character));
  const chosen = usual.length > 0 ? usual : all;
  return chosen.length > 0 ? characters(state, chosen.join('')) : null;
}

function parseCount(state: State, of: Node): Node | null {
  const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})[?+]?/.exec(state.source.slice(state.position));
  if (match === null) return of;
  state.position += match[0].length;
  const [, symbol, from, comma, to] = match;
  if (symbol === '?') return { kind: 'repeat', of, min: 0, max: 1 };
  if (symbol !== undefined)
    return { kind: 'repeat', of, min: symbol === '+' ? 1 : 0, max: Number.POSITIVE_INFINITY };
  const min = Number(from);
  const max = comma === '' ? min : to === '' ? Number.POSITIVE_INFINITY : Number(to);
  return max < min ? null : { kind: 'repeat', of, min, max };
}

function characters(state: State, set: string): Node {
  const all = [...new Set([...set].map(state.fold))];
  const different = all.filter(
    (character, index) => all.findIndex((each) => each.toLowerCase() === character.toLowerCase()) === index,
  );
  return { kind: 'characters', characters: all, different };
}
