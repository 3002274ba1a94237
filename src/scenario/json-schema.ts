/** The JSON schema of the scenario file, made from the zod schema, and questions about it. Pure. */
import { z } from 'zod';
import { scenarioSchema } from './scenario.ts';

/** The part of a JSON schema that the loader asks. */
export type SchemaNode = z.core.JSONSchema.BaseSchema;

/** JSON schema (draft 7, which editors' YAML support reads best) of the scenario as written. */
export function scenarioJsonSchema(): SchemaNode {
  return {
    title: 'Scenario of migration-rehearsal',
    ...z.toJSONSchema(scenarioSchema, { io: 'input', target: 'draft-7', override: keepExamples }),
  };
}

/** zod leaves examples out where the value is transformed; ours are of the written form, so they hold. */
function keepExamples(context: {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: SchemaNode;
}): void {
  const examples = z.globalRegistry.get(context.zodSchema)?.examples;
  if (Array.isArray(examples)) context.jsonSchema.examples = examples;
}

/** The schema of one key or item of a node, or null when it has none. */
export function childSchema(node: SchemaNode | null, segment: PropertyKey): SchemaNode | null {
  if (node === null) return null;
  if (typeof segment === 'number') {
    const items = Array.isArray(node.items) ? node.items[segment] : node.items;
    return schemaOrNull(items);
  }
  const own = node.properties;
  const key = String(segment);
  if (own !== undefined && Object.hasOwn(own, key)) return schemaOrNull(own[key]);
  return schemaOrNull(node.additionalProperties);
}

/** The schema at a path. */
export function schemaAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode | null {
  let node: SchemaNode | null = root;
  for (const segment of path) node = childSchema(node, segment);
  return node;
}

/** Keys that may stand at a node; empty for a map with names of the user. */
export function knownKeys(node: SchemaNode | null): readonly string[] {
  return Object.keys(node?.properties ?? {}).filter((key) => key !== '$schema');
}

/** True when text may stand here; then a number in the file is taken as it is written (`8.0`, `0001`). */
export function acceptsText(node: SchemaNode | null): boolean {
  if (node === null) return false;
  const types: readonly unknown[] = Array.isArray(node.type) ? node.type : [node.type];
  return types.includes('string') || (node.anyOf ?? []).some((one) => acceptsText(schemaOrNull(one)));
}

/** True for a map or a list: such a section may stand empty in the file. */
export function isSection(node: SchemaNode | null): boolean {
  return node !== null && (node.type === 'object' || node.type === 'array');
}

/** Path of the only place where a key is known, or null. For keys that were written into the wrong section. */
export function onlyHomeOf(root: SchemaNode, key: string): readonly string[] | null {
  const homes: string[][] = [];
  const visit = (node: SchemaNode, path: readonly string[]): void => {
    for (const name of knownKeys(node)) {
      const child = childSchema(node, name);
      if (name === key) homes.push([...path, name]);
      if (child !== null) visit(child, [...path, name]);
    }
  };
  visit(root, []);
  return homes.length === 1 ? (homes[0] ?? null) : null;
}

function schemaOrNull(value: unknown): SchemaNode | null {
  return isSchema(value) ? value : null;
}

function isSchema(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
