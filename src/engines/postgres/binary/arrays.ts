/** Arrays of one dimension in the form of array_recv: src/backend/utils/adt/arrayfuncs.c */
import type { ColumnType } from '../../engine.ts';
import { type Encoder, noForm, writeInt32 } from './writing.ts';

interface Element {
  /** Number of the built-in type: src/include/catalog/pg_type.dat. Those of others differ by database. */
  readonly oid: number;
  /** As format_type prints it: a domain over the type has another name, and a number of its own. */
  readonly declared: string;
}

const ELEMENTS: Readonly<Record<string, Element>> = {
  bool: { oid: 16, declared: 'boolean' },
  bytea: { oid: 17, declared: 'bytea' },
  int8: { oid: 20, declared: 'bigint' },
  int2: { oid: 21, declared: 'smallint' },
  int4: { oid: 23, declared: 'integer' },
  text: { oid: 25, declared: 'text' },
  json: { oid: 114, declared: 'json' },
  float4: { oid: 700, declared: 'real' },
  float8: { oid: 701, declared: 'double precision' },
  bpchar: { oid: 1042, declared: 'character' },
  varchar: { oid: 1043, declared: 'character varying' },
  date: { oid: 1082, declared: 'date' },
  timestamp: { oid: 1114, declared: 'timestamp' },
  timestamptz: { oid: 1184, declared: 'timestamp' },
  numeric: { oid: 1700, declared: 'numeric' },
  uuid: { oid: 2950, declared: 'uuid' },
  jsonb: { oid: 3802, declared: 'jsonb' },
};

const FIRST_INDEX = 1;
/** `{1,2}`: an int8 of one digit takes twelve bytes, an empty one in quotes four. */
const BYTES_PER_CHARACTER = 16;

/** Null when the elements have no encoder, or a type of their own. */
export function arrayEncoder(element: ColumnType, make: (() => Encoder) | undefined): Encoder | null {
  const known = ELEMENTS[element.base];
  if (make === undefined || known === undefined || element.element !== null) return null;
  if (element.declared.replace(/[ (]*(\(|with).*$/, '') !== known.declared) return null;
  const { oid } = known;
  const encoder = make();
  return {
    bytesPerCharacter: BYTES_PER_CHARACTER,
    write(text, chunk, at) {
      if (typeof text !== 'string') throw noForm('an array', text);
      const elements = elementsOf(text);
      let next = writeInt32(chunk, at + 4, elements.length === 0 ? 0 : 1);
      next = writeInt32(chunk, next, elements.includes(null) ? 1 : 0);
      next = writeInt32(chunk, next, oid);
      if (elements.length > 0) {
        next = writeInt32(chunk, next, elements.length);
        next = writeInt32(chunk, next, FIRST_INDEX);
      }
      for (const each of elements)
        next = each === null ? writeInt32(chunk, next, -1) : encoder.write(each, chunk, next);
      writeInt32(chunk, at, next - at - 4);
      return next;
    },
  };
}

/** An element in quotes, or one without what would need them. */
const ELEMENT = /"((?:[^"\\]|\\[\s\S])*)"|([^\s"\\{},]+)/y;

/** As arrayOutput writes it, `{1,NULL,"a b"}`; what else array_in understands has no binary form here. */
function elementsOf(text: string): readonly (string | null)[] {
  if (text === '{}') return [];
  const elements: (string | null)[] = [];
  let at = 1;
  while (at < text.length) {
    ELEMENT.lastIndex = at;
    const match = ELEMENT.exec(text);
    if (match === null || !text.startsWith('{')) break;
    const [all, quoted, plain = ''] = match;
    if (quoted === undefined) elements.push(/^null$/i.test(plain) ? null : plain);
    else elements.push(quoted.replace(/\\([\s\S])/g, '$1'));
    at += all.length;
    if (text.charAt(at) === '}' && at === text.length - 1) return elements;
    if (text.charAt(at) !== ',') break;
    at += 1;
  }
  throw noForm('an array', text);
}
