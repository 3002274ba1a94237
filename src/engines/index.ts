/** The engines there are; a new one is a folder and a line here. */
import { UsageError } from '../errors.ts';
import type { Engine, LoadProgram } from './engine.ts';
import { mysql } from './mysql/index.ts';
import { postgres } from './postgres/index.ts';

export const engines: readonly Engine[] = [postgres, mysql];

export const engineNames: readonly string[] = engines.map((engine) => engine.name);

/** The engine of this name; UsageError when there is none. */
export function findEngine(name: string): Engine {
  const engine = engines.find((each) => each.name === name);
  if (engine === undefined)
    throw new UsageError(`engine "${name}" is unknown: write one of ${engineNames.join(', ')}`);
  return engine;
}

/** A load generator of others that can drive the engine; UsageError with the reason when it cannot. */
export function loadProgramOf(
  { name: engine, loadPrograms, capabilities }: Engine,
  name: string,
): LoadProgram {
  const program = loadPrograms.find((each) => each.name === name);
  if (program !== undefined) return program;
  const known = loadPrograms.map((each) => each.name).join(', ');
  const reason = capabilities.loadPrograms === true ? `there is ${known}` : capabilities.loadPrograms.missing;
  throw new UsageError(`load.generator: "${name}" cannot drive ${engine}: ${reason}.`);
}
