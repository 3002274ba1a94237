import { expect, test } from 'vitest';
import { acceptsText, onlyHomeOf, scenarioJsonSchema, schemaAt } from './json-schema.ts';

/** To write it anew after a change of scenario.ts: npx vitest run src/scenario/json-schema.test.ts --update */
test('the published JSON schema is the one that the scenario schema gives', async () => {
  await expect(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
    './rehearsal.schema.json',
  );
});

test('every key carries a description for editors', () => {
  const undescribed: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null || !('properties' in node)) return;
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      if (!('description' in child)) undescribed.push(`${path}.${key}`);
      visit(child, `${path}.${key}`);
    }
  };
  const schema = scenarioJsonSchema();
  visit(schema, '');
  for (const path of [
    ['data', 'tables', 'orders'],
    ['data', 'tables', 'orders', 'columns', 'id'],
    ['drills', 0],
  ])
    visit(schemaAt(schema, path), path.join('.'));
  expect(undescribed).toEqual([]);
});

test('a number may stand for text where the schema takes both', () => {
  const schema = scenarioJsonSchema();
  expect(acceptsText(schemaAt(schema, ['database', 'version']))).toBe(true);
  expect(acceptsText(schemaAt(schema, ['database', 'settings', 'work_mem']))).toBe(true);
  expect(acceptsText(schemaAt(schema, ['load', 'pool', 'size']))).toBe(false);
  expect(acceptsText(schemaAt(schema, ['database', 'replica']))).toBe(false);
});

test('a key knows its only home', () => {
  const schema = scenarioJsonSchema();
  expect(onlyHomeOf(schema, 'checkoutTimeout')).toEqual(['load', 'pool', 'checkoutTimeout']);
  expect(onlyHomeOf(schema, 'statementTimeout')).toBeNull();
  expect(onlyHomeOf(schema, 'nothing')).toBeNull();
});
