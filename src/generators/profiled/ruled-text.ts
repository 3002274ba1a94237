/** Text that checks say something of, as wide as the profile says as far as they allow. */
import type { CellValue } from '../../engines/engine.ts';
import { passes } from '../checks/tried.ts';
import type { ValueSource } from '../types/source.ts';
import { textRules } from '../types/text.ts';
import { valueSource } from '../types/values.ts';
import { listedValues } from './listed.ts';
import { contentOf, textMaker } from './strings.ts';
import type { RankedRequest, RankedValues } from './values.ts';

const SAMPLED = 256;
/** Where fewer texts of the wanted width meet the checks, those that are made to meet them are taken. */
const ENOUGH = 0.9;

/**
 * Each text is held against the checks; where one does not meet them, the column's source has one that does. Null for other
 * types, and where too few do.
 */
export function ruledText(request: RankedRequest): RankedValues | null {
  const { column, partition, profile, rules, source } = request;
  if (column.type.kind !== 'text' || column.type.element !== null || partition !== null) return null;
  if (rules.allowed !== null || (profile.averageBytes === null && profile.values === null)) return null;
  const { fold, isRight } = textRules(request);
  const pass = passes(rules, column.type);
  const meets = (text: CellValue) => typeof text === 'string' && isRight(text) && pass(text);
  const wide = textMaker(request);
  const shape = { distinct: Math.max(SAMPLED, profile.distinct ?? 0), common: new Map(), present: SAMPLED };
  const sample = wide.at(shape);
  const made = Array.from({ length: SAMPLED }, (_, index) =>
    folded(sample(Math.floor((index * shape.distinct) / SAMPLED)), fold),
  );
  const right = made.filter(meets).length;
  if (right < SAMPLED * ENOUGH) return narrowed(request);
  return {
    ...wide,
    capacity: Math.min(wide.capacity, source.capacity),
    endless: right === SAMPLED,
    at: (own) => {
      const text = wide.at(own);
      return (rank) => {
        const value = folded(text(rank), fold);
        return meets(value) ? value : source.unique(rank % source.capacity);
      };
    },
  };
}

/** What the column's own source makes when no text may be longer than the mean of the profile; null where that is none. */
function narrowed(request: RankedRequest): RankedValues | null {
  const { profile, rules, source } = request;
  const width = Math.round(contentOf(profile.averageBytes ?? 0));
  const widthOf = ({ unique }: ValueSource) =>
    Array.from({ length: SAMPLED }, (_, ordinal) => String(unique(ordinal % source.capacity)).length).reduce(
      (sum, length) => sum + length / SAMPLED,
      0,
    );
  if (width < 1 || source.capacity <= SAMPLED || widthOf(source) <= width) return null;
  const maxLength = Math.min(width, rules.maxLength ?? width);
  const made = valueSource({ ...request, rules: { ...rules, maxLength } });
  if (made === null || made.capacity < Math.max(profile.distinct ?? 0, SAMPLED)) return null;
  return { ...listedValues({ ...request, source: made }), endless: true };
}

function folded(text: CellValue, fold: (text: string) => string): CellValue {
  return typeof text === 'string' ? fold(text) : text;
}
