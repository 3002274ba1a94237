/** Values for parameters that say nothing of the rows that are meant: an amount that is added, an item of a select list. */
import type { ValueKind } from '../../engines/engine.ts';

/** Values that change no row in a way that matters, by the kind of their type; `other` is a type that nobody knows. */
export const HARMLESS: Readonly<Partial<Record<ValueKind, string>>> = {
  integer: '1',
  decimal: '1',
  float: '1',
  boolean: 'true',
  text: 'x',
  interval: '1 day',
  date: '2020-01-01',
  timestamp: '2020-01-01 00:00:00',
  time: '12:00:00',
  uuid: '00000000-0000-4000-8000-000000000000',
  json: '{}',
  other: '1',
};
