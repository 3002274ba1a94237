/** The workload file on disk. */
import { readFile } from 'node:fs/promises';
import { UsageError } from '../../errors.ts';

/** UsageError for a file that cannot be read; `key` names it in the scenario. */
export async function readWorkload(file: string, key = 'load.operations'): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`cannot read the operations file "${file}": correct ${key}`, { cause });
  }
}
