/** Where the operations of the load come from: a file for our own load, or scripts for a generator of others. */
import type { Wanted } from './overrides.ts';
import type { LoadSettings } from './plan.ts';
import { fileAt } from './resolve-data.ts';

/** `pay.sql@9`, as pgbench -f takes it; a weight of 0 would be no script. */
const WEIGHTED = /^(.*)@(\d{1,9})$/s;

/** All that is wrong is complained about. */
export async function resolveOperations(
  wanted: Wanted,
  dataProfileFile: string | null,
): Promise<Pick<LoadSettings, 'operationsFile' | 'profileFile' | 'program'>> {
  const running = await resolveRunning(wanted);
  const { profile } = wanted.scenario.load ?? {};
  const written = await fileAt(wanted, ['load', 'profile'], profile);
  const hasOperations = running.operationsFile !== null || running.program !== null;
  if (hasOperations && written !== null)
    wanted.complain(['load', 'profile'], 'the operations are load.operations: leave one of the two out');
  return { ...running, profileFile: hasOperations ? null : (written ?? dataProfileFile) };
}

async function resolveRunning(wanted: Wanted): Promise<Pick<LoadSettings, 'operationsFile' | 'program'>> {
  const { operations, generator = 'rehearse', arrivals } = wanted.scenario.load ?? {};
  const key = ['load', 'operations'];
  if (generator === 'rehearse') {
    if (Array.isArray(operations)) {
      wanted.complain(
        key,
        'a list of files is for generator: pgbench; our own load takes one file with all operations',
      );
      return { operationsFile: null, program: null };
    }
    return { operationsFile: await fileAt(wanted, key, operations), program: null };
  }
  if (operations === undefined)
    wanted.complain(
      ['load', 'generator'],
      `${generator} needs scripts: write load.operations: script.sql too`,
    );
  if (arrivals === 'uniform')
    wanted.complain(['load', 'arrivals'], `${generator} knows poisson arrivals alone: leave arrivals out`);
  const scripts: { file: string; weight: number }[] = [];
  for (const written of [operations ?? []].flat()) {
    const [, path = written, digits = '1'] = WEIGHTED.exec(written) ?? [];
    const weight = Number(digits);
    if (weight === 0)
      wanted.complain(key, `"${written}" has the weight 0: write a larger one, or leave it out`);
    const file = await fileAt(wanted, key, path);
    if (file !== null) scripts.push({ file, weight });
  }
  return { operationsFile: null, program: { name: generator, scripts } };
}
