/** What is wrong with a scenario, in words that say what to write instead. Pure. */
import type { z } from 'zod';
import { UsageError } from '../errors.ts';
import { knownKeys, onlyHomeOf, type SchemaNode, schemaAt } from './json-schema.ts';
import { closest } from './suggestion.ts';

export type Path = readonly PropertyKey[];

/** One thing that is wrong, at a key or at its value. */
export interface Problem {
  readonly path: Path;
  readonly at: 'key' | 'value';
  /** Whole sentence; names the key where the position alone would not. */
  readonly message: string;
}

/** Where a path stands: "rehearsal.yaml:3:5", or the name of the file where positions are not known. */
export type Locate = (path: Path, at: 'key' | 'value') => string;

/** All problems as one error, one a line, in the order in which they stand in the file. */
export function usageErrorOf(problems: readonly Problem[], locate: Locate): UsageError {
  const lines = problems.map((problem) => `${locate(problem.path, problem.at)}: ${problem.message}`);
  return new UsageError(lines.sort(byPosition.compare).join('\n'));
}

/** Compares "file:9:1" and "file:10:1" by their numbers. */
const byPosition = new Intl.Collator('en', { numeric: true });

/** `load.pool.size`, `drills[0].longReader`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    return text === '' ? String(segment) : `${text}.${String(segment)}`;
  }, '');
}

/** The issues that zod found in `input`, as problems; `whole` is what the input is called. */
export function problemsOf(
  error: z.ZodError,
  input: unknown,
  root: SchemaNode,
  whole = 'the scenario',
): readonly Problem[] {
  return error.issues.flatMap((issue): readonly Problem[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        at: 'key',
        message: unknownKey(root, issue.path, key, whole),
      }));
    const place = issue.path.length === 0 ? whole : pathText(issue.path);
    const message = `${place}: ${issueText(issue, valueAt(input, issue.path), root)}`;
    return [{ path: issue.path, at: 'value', message }];
  });
}

/** Sentence for a name that is none of the known ones: an engine, a tool, a provisioner. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const meant = closest(name, known);
  const guess = meant === null ? '' : `did you mean "${meant}"? `;
  return `"${name}" is no known ${what}: ${guess}write one of ${known.join(', ')}`;
}

function unknownKey(root: SchemaNode, section: Path, key: string, whole: string): string {
  const where = section.length === 0 ? whole : pathText(section);
  const known = knownKeys(schemaAt(root, section));
  const meant = closest(key, known);
  if (meant !== null) return `unknown key "${key}" in ${where}: did you mean "${meant}"?`;
  const home = onlyHomeOf(root, key);
  if (home !== null) return `unknown key "${key}" in ${where}: it belongs to ${pathText(home.slice(0, -1))}`;
  return `unknown key "${key}" in ${where}: write one of ${known.join(', ')}`;
}

function issueText(issue: z.core.$ZodIssue, value: unknown, root: SchemaNode): string {
  const schema = schemaAt(root, issue.path);
  switch (issue.code) {
    case 'custom':
      if (!issue.message.startsWith('must ') || isContainer(value)) return issue.message;
      return `${quoted(value)} ${issue.message}`;
    case 'invalid_format':
      return `${quoted(value)} ${issue.message}`;
    case 'invalid_value':
      return unknownValue(value, issue.values.map(String));
    case 'invalid_type':
    case 'invalid_union':
      if (value === undefined) return `is missing${example(schema)}`;
      if (value === null) return 'is empty: write a value or remove the key';
      return `${quoted(value)} is not ${kindOf(issue)}${example(schema)}`;
    case 'too_small':
      if (issue.origin === 'string') return 'is empty: write a value or remove the key';
      if (issue.origin === 'array') return `has too few entries${example(schema)}`;
      return `${quoted(value)} is too small: write ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'array') return `has too many entries${example(schema)}`;
      return `${quoted(value)} is too large: write at most ${issue.maximum}`;
    default:
      return `${quoted(value)}: ${issue.message}`;
  }
}

function unknownValue(value: unknown, known: readonly string[]): string {
  const meant = closest(String(value), known);
  return meant === null
    ? `${quoted(value)} is not known: write ${known.join(' or ')}`
    : `${quoted(value)} is not known: did you mean "${meant}"?`;
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  tuple: 'a list',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  string: 'text',
};

function kindOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_type' ? (KINDS[issue.expected] ?? issue.expected) : 'text or a number';
}

/** ": write ..." with what may stand at a node; empty where the kind of value alone says it. */
function example(schema: SchemaNode | null): string {
  const one = schema?.examples?.[0];
  if (one !== undefined) return `: write for example ${typeof one === 'string' ? one : JSON.stringify(one)}`;
  const keys = knownKeys(schema);
  return keys.length > 0 ? `: write a map with the keys ${keys.join(', ')}` : '';
}

/** A value in quotes, shortened; maps and lists are named only. */
function quoted(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isContainer(value)) return 'a map';
  const text = String(value);
  return `"${text.length > 60 ? `${text.slice(0, 60)}...` : text}"`;
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function valueAt(input: unknown, path: Path): unknown {
  let value: unknown = input;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === String(segment))?.[1];
  }
  return value;
}
