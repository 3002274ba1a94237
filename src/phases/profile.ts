/** The profile that a plan names, held against the engine and the schema that it is used with. */
import type { TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Profile } from '../profile/profile.ts';
import { readProfile } from '../profile/read.ts';
import type { Plan } from '../scenario/plan.ts';

/** Null when the plan names none; UsageError for what is no profile, or one of another engine. */
export function profileOf(plan: Plan): Promise<Profile | null> {
  return ofEngine(plan, plan.data.profileFile);
}

/** The same of the profile whose statements the load repeats. */
export function statementsOf(plan: Plan): Promise<Profile | null> {
  return ofEngine(plan, plan.load?.profileFile ?? null);
}

async function ofEngine({ database }: Plan, file: string | null): Promise<Profile | null> {
  if (file === null) return null;
  const profile = await readProfile(file);
  refuseOtherEngine(profile, { database }, file);
  return profile;
}

export function refuseOtherEngine(profile: Profile, { database }: Pick<Plan, 'database'>, file = 'it'): void {
  if (profile.engine === database.engine) return;
  throw new UsageError(
    `${file} is a profile of ${profile.flavor} ${profile.serverVersion}, but the rehearsal is for ` +
      `${database.flavor}. Set database.engine (--engine) to ${profile.flavor}, or capture a profile of ${database.flavor}.`,
  );
}

/** Lines of a message, beyond which the rest is only counted. */
const SHOWN = 20;

/**
 * UsageError with each table and column of the profile that the schema does not have. Tables of the migration tool's
 * ledger, named by their last part, are not looked at. Columns that only the schema has are no mistake: they get values
 * as without a profile.
 */
export function refuseOtherSchema(
  profile: Profile,
  tables: readonly TableDescription[],
  ledger: ReadonlySet<string>,
): void {
  const known = new Map(tables.map((table) => [table.name, table]));
  const missing = profile.tables
    .filter(({ name }) => !ledger.has(name.split('.').at(-1) ?? ''))
    .flatMap(({ name, columns }) => {
      const table = known.get(name);
      if (table === undefined) return [`table "${name}" is not in the schema`];
      const has = new Set(table.columns.map((column) => column.name));
      const absent = columns.filter((column) => !has.has(column.name));
      return absent.map((column) => `column "${name}"."${column.name}" is not in the schema`);
    });
  if (missing.length === 0) return;
  const lines = missing.slice(0, SHOWN).map((each) => `  ${each}`);
  if (missing.length > SHOWN) lines.push(`  and ${missing.length - SHOWN} more`);
  throw new UsageError(
    `the profile, captured ${profile.capturedAt}, is of another schema:\n${lines.join('\n')}\n` +
      'Capture it again with "rehearse capture", or leave data.schema out: the profile has a schema of its own.',
  );
}
