/** What became of a table's columns, the same for every engine. Pure. */

/** Types by column name. Added, dropped and changed, in words; a renamed one cannot be told from one dropped and one added. */
export function columnChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  const details: string[] = [];
  for (const [name, type] of after) {
    const was = before.get(name);
    if (was === undefined) details.push(`column ${name} added (${type})`);
    else if (was !== type) details.push(`column ${name} changed from ${was} to ${type}`);
  }
  for (const name of before.keys()) if (!after.has(name)) details.push(`column ${name} gone`);
  return details;
}
