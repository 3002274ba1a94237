/** Text, bytes and json by rank, as wide as the profile says. */
import type { CellValue } from '../../engines/engine.ts';
import { NO_RULES } from '../checks/rules.ts';
import { hash } from '../random.ts';
import { textKindOf } from '../types/pools.ts';
import { UNBOUNDED } from '../types/source.ts';
import { nameFor } from '../types/text.ts';
import { literalRanks, literalsByRank } from './literals.ts';
import { profiledText, SPREAD } from './text.ts';
import { toastedSize } from './toast.ts';
import type { RankedRequest, RankedShape, RankedValues } from './values.ts';

const WIDE = new Set(['text', 'bytes', 'json']);

/** True for a column whose content is left to us: no check says anything of it but its length. */
export function isFreeText({ column, rules, profile, partition }: RankedRequest): boolean {
  const { type } = column;
  if (!WIDE.has(type.kind) || type.element !== null || partition !== null) return false;
  // Several bits, and vectors: not every byte is a value.
  if (type.kind === 'bytes' && (type.precision !== null || type.base === 'vector')) return false;
  const others = { ...rules, nullness: NO_RULES.nullness, maxLength: NO_RULES.maxLength };
  if (JSON.stringify(others) !== JSON.stringify(NO_RULES)) return false;
  return profile.averageBytes !== null || profile.values !== null;
}

/** Bytes of a text of this many characters: one in front of short ones, four in front of others. */
const LONGEST_SHORT = 126;
/** A value that is kept out of line leaves a pointer of this many bytes in its row (varatt_external). */
const POINTER_BYTES = 18;
/** Values are moved out of line when the row is longer than this; shorter ones stay. */
const TOAST_BYTES = 2040;
/** Usual size of a value out of line, where only the sum of them is known. */
const USUAL_TOAST_BYTES = 4000;

/** Characters that are stored in this many bytes on average. */
export function contentOf(averageBytes: number): number {
  return Math.max(0, averageBytes <= LONGEST_SHORT + 1 ? averageBytes - 1 : averageBytes - 4);
}

/** What json adds around a text: `{"k": "..."}`; as text, and in the binary form (container, two entries, the key). */
const JSON_FRAME = 9;
const JSONB_FRAME = 13;

export function textMaker(request: RankedRequest): RankedValues {
  const { column, rules, profile, table, pools } = request;
  const { kind, base, maxLength } = column.type;
  const frame = kind !== 'json' ? 0 : base === 'jsonb' ? JSONB_FRAME : JSON_FRAME;
  const limit = Math.min(maxLength ?? UNBOUNDED, rules.maxLength ?? UNBOUNDED);
  const words = textKindOf(nameFor(table, column.name), maxLength);
  const averageBytes = profile.averageBytes ?? contentOf(24);
  const { inline, external, share } = split(request, averageBytes);
  const length = Math.min(limit, Math.max(1, contentOf(inline) - frame));
  const wrap = wrapper(kind);
  const literals = profile.values;
  return {
    capacity: limit < 8 ? 36 ** limit : UNBOUNDED,
    endless: true,
    ticks: null,
    ranks: (distinct) => (literals === null ? null : literalRanks(literals, distinct)),
    at: (shape) => {
      const text = profiledText({
        seed: request.seed,
        distinct: shape.distinct,
        length,
        limit,
        pool: () => pools.ofKind(words),
        address: words.embedding === 'local part' && length >= 12,
        lengths: lengthsOf(shape, length, limit),
        even: false,
      });
      const long = profiledText({
        seed: request.seed + 1,
        distinct: shape.distinct,
        length: external,
        limit,
        pool: () => pools.ofKind(words),
        address: false,
        lengths: new Map(),
        even: false,
      });
      const known = literals === null ? null : literalsByRank(literals, shape.distinct);
      const isLong = (rank: number) =>
        share > 0 && hash(request.seed ^ 0x1b873593, rank) < share * 4_294_967_296;
      return (rank) => {
        const literal = known?.get(rank);
        if (literal !== undefined) return kind === 'bytes' ? bytesOf(literal) : literal;
        return wrap(isLong(rank) ? long(rank) : text(rank));
      };
    },
  };
}

/** What of the values is kept in the row, and what out of line. */
function split({ toastBytesPerRow, profile }: RankedRequest, averageBytes: number) {
  const present = 1 - profile.nullFraction;
  const perValue = present > 0 ? toastBytesPerRow / present : 0;
  if (perValue < 1) return { inline: averageBytes, external: 0, share: 0 };
  const all = averageBytes <= POINTER_BYTES + 1;
  const share = all ? 1 : Math.min(1, perValue / USUAL_TOAST_BYTES);
  const inline = share < 1 ? (averageBytes - POINTER_BYTES * share) / (1 - share) : averageBytes;
  const external = toastedSize(perValue / share, SPREAD);
  return { inline: Math.max(2, inline), external: Math.max(TOAST_BYTES, external), share };
}

/**
 * A value with many rows moves the mean by its own length: the lengths of the most common ones are rounded up for as
 * many rows as the mean asks for, and down for the others.
 */
function lengthsOf({ common }: RankedShape, length: number, limit: number): ReadonlyMap<number, number> {
  const below = Math.max(1, Math.floor(length));
  const total = [...common.values()].reduce((sum, rows) => sum + rows, 0);
  let longer = total * (length - below);
  const found = new Map<number, number>();
  for (const [rank, rows] of [...common].toSorted(([, one], [, other]) => other - one)) {
    const up = below + 1 <= limit && rows <= longer + rows / 2;
    if (up) longer -= rows;
    found.set(rank, up ? below + 1 : below);
  }
  return found;
}

function wrapper(kind: string): (text: string) => CellValue {
  if (kind === 'json') return (text) => `{"k": "${text}"}`;
  if (kind === 'bytes') return (text) => Buffer.from(text, 'latin1');
  return (text) => text;
}

/** As Postgres prints bytes. */
function bytesOf(text: string): CellValue {
  return text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text);
}
