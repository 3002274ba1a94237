/** The order of SQL values, so far as it is the same here as on the server. */
import { Doubt, type Numeric, numberOf, truth, type Value } from './sql-values.ts';

/** Zero when they are equal; text is compared exactly. */
export function compare(one: Value, other: Value): number {
  if (typeof one === 'boolean' || typeof other === 'boolean')
    return truth(one) === truth(other) ? 0 : truth(one) === true ? 1 : -1;
  if (typeof one === 'string' && typeof other === 'string') return one === other ? 0 : one < other ? -1 : 1;
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other);
  const labels = labelsOf(one) ?? labelsOf(other);
  if (labels !== null) return placeOf(one, labels) - placeOf(other, labels);
  return numberOf(one) - numberOf(other);
}

/** As {@link compare}; which of two texts comes first is sure only where every collation agrees. */
export function ordered(one: Value, other: Value): number {
  if (typeof one !== 'string' || typeof other !== 'string') return compare(one, other);
  const [bytes, words] = [compare(one, other), one.localeCompare(other, 'en', { sensitivity: 'base' })];
  if (bytes === 0 || Math.sign(bytes) === Math.sign(words)) return bytes;
  throw new Doubt('the order of two texts depends on the collation');
}

function labelsOf(value: Value): readonly string[] | null {
  return isNumeric(value) ? (value.labels ?? null) : null;
}

function placeOf(value: Value, labels: readonly string[]): number {
  const label = isNumeric(value) ? value.text : value;
  const place = typeof label === 'string' ? labels.indexOf(label) : -1;
  if (place < 0) throw new Doubt('a value that is no label of the enum');
  return place;
}

function isNumeric(value: Value): value is Numeric {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
