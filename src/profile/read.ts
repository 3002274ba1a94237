/** Reads a profile from its file. All that is wrong with it is said at once. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { PROFILE_VERSION, type Profile } from './profile.ts';

/** More lines than these only hide the first one. */
const MOST_PROBLEMS = 20;
const AGAIN = 'capture it again with "rehearse capture"';

/**
 * Reads the profile in `file`. UsageError for a missing file, for what is no profile, for one of a newer version, and for
 * a damaged one, with each place that is wrong. Keys that are not known here are left out: a later version may add some.
 */
export async function readProfile(file: string): Promise<Profile> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `there is no profile to read at "${file}": write the file that "rehearse capture" made`,
      { cause: error },
    );
  }
  return profileFrom(text, file);
}

/** As {@link readProfile}, from the text of `file`, whose name is for messages only. */
export function profileFrom(text: string, file: string): Profile {
  const value = parsed(text, file);
  refuseOtherVersions(value, file);
  const checked = profileSchema.safeParse(value);
  if (!checked.success) throw damaged(file, checked.error.issues.map(issueText));
  const contradictions = checked.data.tables.flatMap(contradictionsOf);
  const twice = repeated(checked.data.tables.map(({ name }) => name)).map(
    (name) => `tables: "${name}" is there twice`,
  );
  if (contradictions.length + twice.length > 0) throw damaged(file, [...twice, ...contradictions]);
  return checked.data;
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`"${file}" is not JSON, so it is no profile: ${AGAIN}`, { cause: error });
  }
}

function refuseOtherVersions(value: unknown, file: string): void {
  const facts: { version?: unknown; harnessVersion?: unknown; tables?: unknown } =
    typeof value === 'object' && value !== null ? value : {};
  if (typeof facts.version !== 'number' || !('tables' in facts))
    throw new UsageError(`"${file}" is no profile: write the file that "rehearse capture" made`);
  if (facts.version === PROFILE_VERSION) return;
  const made = `"${file}" has profile version ${facts.version}, this rehearse reads version ${PROFILE_VERSION}`;
  throw new UsageError(
    facts.version > PROFILE_VERSION
      ? `${made}: it was made by a newer version (rehearse ${String(facts.harnessVersion)}): install that one`
      : `${made}: ${AGAIN}`,
  );
}

function damaged(file: string, problems: readonly string[]): UsageError {
  const shown = problems.slice(0, MOST_PROBLEMS).map((problem) => `  ${problem}`);
  if (problems.length > shown.length) shown.push(`  and ${problems.length - shown.length} more`);
  return new UsageError(`"${file}" is a damaged profile: correct it, or ${AGAIN}\n${shown.join('\n')}`);
}

const count = z.number().min(0);
const share = z.number().min(0).max(1);
const shares = z.array(share);
const name = z.string().min(1);

/** Shapes alone; what one field says of another is asked by {@link contradictionsOf}. */
const profileSchema: z.ZodType<Profile> = z.object({
  version: z.literal(PROFILE_VERSION),
  harnessVersion: z.string(),
  capturedAt: z.iso.datetime(),
  engine: name,
  flavor: name,
  serverVersion: z.string(),
  settings: z.record(z.string(), z.string()),
  schema: z.string(),
  tables: z.array(
    z.object({
      name,
      rows: count,
      tableBytes: count,
      toastBytes: count,
      bloat: share.nullable(),
      fillfactor: z.number().min(1).max(100).nullable(),
      columns: z.array(
        z.object({
          name,
          nullFraction: share,
          distinct: count.nullable(),
          averageBytes: count.nullable(),
          correlation: z.number().min(-1).max(1).nullable(),
          frequencies: shares,
          values: z.array(z.string()).nullable(),
          bounds: z.array(z.string()).nullable(),
        }),
      ),
      indexes: z.array(
        z.object({
          name,
          columns: z.array(z.string()),
          bytes: count,
          fillfactor: z.number().min(1).max(100).nullable(),
          cardinality: count.nullable(),
        }),
      ),
      foreignKeys: z.array(
        z.object({
          columns: z.array(name).min(1),
          references: name,
          parentsReferred: count.nullable(),
          frequencies: shares,
        }),
      ),
      partitions: z
        .array(z.object({ name, rows: count, tableBytes: count, bound: z.string().exactOptional() }))
        .exactOptional(),
    }),
  ),
  statements: z.array(z.object({ text: z.string(), calls: count, rows: count, meanMs: count })),
  statementsSince: z.iso.datetime().nullable(),
  missing: z.array(z.object({ what: z.string(), reason: z.string() })),
});

function issueText(issue: z.core.$ZodIssue): string {
  return `${placeOf(issue.path)}: ${issue.message}`;
}

/** `tables[3].columns[0].nullFraction` */
function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    return text === '' ? String(segment) : `${text}.${String(segment)}`;
  }, '');
}

/** Single precision, and statistics of different moments: shares may add up to a little more than all rows. */
const ROUNDING = 0.01;

function contradictionsOf(table: Profile['tables'][number]): readonly string[] {
  const known = new Set(table.columns.map((column) => column.name));
  return [
    ...repeated(table.columns.map((column) => column.name)).map(
      (each) => `table "${table.name}": column "${each}" is there twice`,
    ),
    ...table.columns.flatMap((column) => columnContradictions(table.name, column)),
    ...table.foreignKeys.flatMap((key) =>
      key.columns
        .filter((each) => !known.has(each))
        .map(
          (each) => `table "${table.name}": a foreign key has the column "${each}", which the table has not`,
        ),
    ),
  ];
}

function columnContradictions(
  table: string,
  column: Profile['tables'][number]['columns'][number],
): readonly string[] {
  const { nullFraction, frequencies, values } = column;
  const place = `column "${table}.${column.name}"`;
  const total = frequencies.reduce((sum, each) => sum + each, nullFraction);
  const problems: string[] = [];
  if (total > 1 + ROUNDING)
    problems.push(
      `${place}: nulls and most common values together are ${total.toFixed(3)} of all rows, more than 1`,
    );
  if (values !== null && values.length !== frequencies.length)
    problems.push(`${place}: ${values.length} values stand beside ${frequencies.length} frequencies`);
  return problems;
}

function repeated(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const each of names) (seen.has(each) ? twice : seen).add(each);
  return [...twice];
}
