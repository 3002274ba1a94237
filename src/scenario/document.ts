/** A YAML or JSON text as plain data with the position of every key and value. Pure. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { UsageError } from '../errors.ts';
import { acceptsText, childSchema, isSection, type SchemaNode } from './json-schema.ts';
import type { Locate, Path } from './problems.ts';

export interface ScenarioText {
  readonly value: unknown;
  readonly locate: Locate;
}

/** A scenario has some hundred values; more means aliases of aliases. */
const MOST_VALUES = 20_000;
/** The schema is eight levels deep; more means an alias of what it stands in. */
const DEEPEST = 50;

/**
 * Parses the text. Where the schema takes text, a number is handed over as it is written, so that version 8.0 and
 * migration 0001 keep their form; an empty section counts as absent. Syntax errors are one UsageError with a line each.
 */
export function readScenarioText(text: string, file: string, schema: SchemaNode): ScenarioText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const troubles = [...document.errors, ...document.warnings];
  if (troubles.length > 0)
    throw new UsageError(
      troubles
        .map(
          (trouble) =>
            `${at(trouble.pos[0])}: ${syntaxText(trouble.code, trouble.message, text, trouble.pos)}`,
        )
        .join('\n'),
    );
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    throw new UsageError(
      `${file}:1:1: the scenario is empty: write at least data.schema and migrations.directory`,
    );
  const reader = { document, values: 0, at };
  const value = plain(reader, document.contents, schema, 0) ?? {};
  return { value, locate: (path, part) => at(offsetOf(document, path, part)) };
}

interface Reader {
  readonly document: Document;
  readonly at: (offset: number) => string;
  values: number;
}

function plain(reader: Reader, written: unknown, schema: SchemaNode | null, depth: number): unknown {
  const node = followed(reader.document, written);
  if (isAlias(written) && node === undefined)
    throw new UsageError(
      `${reader.at(startOf(written) ?? 0)}: nothing above is called "&${written.source}": write the value, or quote a text that begins with *`,
    );
  reader.values += 1;
  if (reader.values > MOST_VALUES || depth > DEEPEST)
    throw new UsageError(
      `${reader.at(startOf(written) ?? 0)}: too many or too deep values: write them out, without aliases of aliases`,
    );
  if (isMap(node)) {
    const entries = node.items.map(({ key, value }): [string, unknown] => {
      const name = keyText(key);
      return [name, plain(reader, value, childSchema(schema, name), depth + 1)];
    });
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  if (isSeq(node))
    return node.items.map((item, index) => plain(reader, item, childSchema(schema, index), depth + 1));
  if (!isScalar(node)) return isSection(schema) ? undefined : null;
  if (node.value === null && isSection(schema)) return undefined;
  const isPlainWord = typeof node.value === 'number' || typeof node.value === 'boolean';
  if (isPlainWord && node.source !== undefined && acceptsText(schema)) return node.source;
  return node.value;
}

/** Offset of a key or value, or of the nearest thing around it that is written. */
function offsetOf(document: Document, path: Path, part: 'key' | 'value'): number {
  let node = followed(document, document.contents);
  let offset = startOf(node) ?? 0;
  for (const [depth, segment] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => keyText(key) === String(segment));
      if (pair === undefined) return offset;
      const position = startOf(last && part === 'value' ? pair.value : pair.key) ?? startOf(pair.key);
      offset = position ?? offset;
      node = followed(document, pair.value);
    } else if (isSeq(node)) {
      const item = node.items[Number(segment)];
      offset = startOf(item) ?? offset;
      node = followed(document, item);
    } else return offset;
  }
  return offset;
}

function followed(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function startOf(node: unknown): number | null {
  return (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) && node.range ? node.range[0] : null;
}

function keyText(key: unknown): string {
  if (!isScalar(key)) return String((key as Node | null) ?? '');
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

function syntaxText(code: string, message: string, text: string, pos: readonly [number, number]): string {
  if (code === 'DUPLICATE_KEY') {
    const key = /^[^\s:,}]+/.exec(text.slice(pos[0]))?.[0] ?? '';
    return `the key "${key}" is written twice: keep one of them`;
  }
  if (code === 'TAB_AS_INDENT') return 'a tab cannot indent YAML: write spaces';
  if (code === 'MULTIPLE_DOCS')
    return 'a second document begins here: write one scenario a file, without ---';
  return `not valid YAML: ${message.split('\n')[0]}`;
}
