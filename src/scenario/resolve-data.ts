/** What the database is filled with: a schema, a dump or a profile, and what is said of their rows. */
import { resolve } from 'node:path';
import { DEFAULT_RANDOM_SEED, DEFAULT_ROWS, resolveAge, resolveColumns, resolveTables } from './defaults.ts';
import { kindAt } from './look-ups.ts';
import type { Wanted } from './overrides.ts';
import type { DataPlan, RestorePlan } from './plan.ts';

export async function resolveData(wanted: Wanted): Promise<DataPlan> {
  const written = wanted.scenario.data ?? {};
  const tables = resolveTables(written.tables ?? {});
  const someTableSays = Object.values(tables).some((table) => table.rows !== null);
  const restore = await resolveRestore(wanted);
  const profileFile = await fileAt(wanted, ['data', 'profile'], written.profile);
  refuseContradictions(wanted, restore);
  const said = someTableSays || restore !== null || profileFile !== null;
  return {
    schemaFile: await fileAt(wanted, ['data', 'schema'], written.schema),
    restore,
    profileFile,
    scale: written.scale ?? 1,
    age: resolveAge(written.age),
    rows: written.rows ?? (said ? null : DEFAULT_ROWS),
    tables,
    randomSeed: written.randomSeed ?? DEFAULT_RANDOM_SEED,
  };
}

/** True when something other than the released migrations makes the tables. */
export function hasSchema({ schemaFile, restore, profileFile }: DataPlan): boolean {
  return schemaFile !== null || restore !== null || profileFile !== null;
}

async function resolveRestore(wanted: Wanted): Promise<RestorePlan | null> {
  const { restore, client, mask } = wanted.scenario.data ?? {};
  if (restore === undefined) {
    for (const key of ['client', 'mask'] as const)
      if (wanted.scenario.data?.[key] !== undefined)
        wanted.complain(['data', key], 'belongs to a dump: write data.restore too, or leave it out');
    return null;
  }
  const file = resolve(wanted.baseOf(['data', 'restore']), restore);
  if ((await kindAt(file)) === null)
    wanted.complain(['data', 'restore'], `there is no dump "${file}": correct the path`);
  const clientDirectory = client === undefined ? null : resolve(wanted.baseOf(['data', 'client']), client);
  return {
    file,
    clientDirectory,
    mask: Object.fromEntries(
      Object.entries(mask ?? {}).map(([table, columns]) => [table, resolveColumns(columns)]),
    ),
  };
}

function refuseContradictions(wanted: Wanted, restore: RestorePlan | null): void {
  const { profile, schema, scale, rows } = wanted.scenario.data ?? {};
  if (restore !== null && profile !== undefined)
    wanted.complain(
      ['data', 'profile'],
      'a dump has rows of its own: leave data.profile or data.restore out',
    );
  if (profile !== undefined && rows !== undefined)
    wanted.complain(
      ['data', 'rows'],
      'a profile says how many rows each table has: write data.scale (--scale) to multiply them, or data.tables.<table>.rows',
    );
  if (restore !== null && wanted.scenario.data?.rows !== undefined)
    wanted.complain(
      ['data', 'rows'],
      'a dump has rows of its own: leave data.rows out, or keep a share of them with data.scale',
    );
  for (const [name, { rows }] of Object.entries(wanted.scenario.data?.tables ?? {}))
    if (restore !== null && rows !== undefined)
      wanted.complain(
        ['data', 'tables', name, 'rows'],
        'a dump has rows of its own: leave "rows" out, or keep a share of all rows with data.scale',
      );
  if (restore !== null && schema !== undefined)
    wanted.complain(
      ['data', 'schema'],
      'a dump has a schema of its own: leave data.schema or data.restore out',
    );
  if (restore !== null && scale !== undefined && scale > 1)
    wanted.complain(['data', 'scale'], `${scale} is more than the dump holds: write a share such as 0.1`);
  if (restore === null && profile === undefined && scale !== undefined)
    wanted.complain(
      ['data', 'scale'],
      'belongs to a dump or a profile: write data.restore or data.profile too, or set data.rows instead',
    );
}

/** Absolute path of a file that must be there, or null when none was written. */
export async function fileAt(
  wanted: Wanted,
  key: readonly string[],
  written: string | undefined,
): Promise<string | null> {
  if (written === undefined) return null;
  const file = resolve(wanted.baseOf(key), written);
  const kind = await kindAt(file);
  if (kind === null) wanted.complain(key, `there is no file "${file}": correct the path or write the file`);
  if (kind === 'directory') wanted.complain(key, `"${file}" is a folder: write the path of a file`);
  return file;
}
