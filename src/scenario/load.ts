/** Reads a scenario folder or file. All that is wrong with it is said at once, each with its file, line and column. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../errors.ts';
import { readScenarioText } from './document.ts';
import { scenarioJsonSchema } from './json-schema.ts';
import { type Locate, problemsOf, usageErrorOf } from './problems.ts';
import { type CheckedScenario, scenarioSchema } from './scenario.ts';

/** Names that a scenario may have in its folder. */
export const SCENARIO_FILES = [
  'rehearsal.yaml',
  'rehearsal.yml',
  'rehearsal.json',
  'rehearsal.config.ts',
] as const;

export interface LoadedScenario {
  /** Absolute; null for a scenario that was handed over by a program. */
  readonly file: string | null;
  /** Absolute folder against which paths of the scenario are resolved. */
  readonly directory: string;
  readonly scenario: CheckedScenario;
  readonly locate: Locate;
}

/** Loads the scenario at `path`, a folder or a file, relative to `workingDirectory`. Throws UsageError. */
export async function loadScenario(path: string, workingDirectory: string): Promise<LoadedScenario> {
  const file = await scenarioFile(resolve(workingDirectory, path), path);
  const shown = shownPath(file, workingDirectory);
  const directory = dirname(file);
  if (extname(file) === '.ts') {
    const locate: Locate = () => shown;
    return { file, directory, scenario: check(await importScenario(file, shown), locate), locate };
  }
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`${shown}: cannot be read: check its permissions`, { cause });
  });
  const { value, locate } = readScenarioText(text, shown, scenarioJsonSchema());
  return { file, directory, scenario: check(value, locate), locate };
}

/** Checks a scenario that a program hands over; paths in it are relative to `directory`. Throws UsageError. */
export function checkScenario(scenario: unknown, directory: string): LoadedScenario {
  const locate: Locate = () => 'scenario';
  return { file: null, directory: resolve(directory), scenario: check(scenario, locate), locate };
}

/** The scenario file of a folder, or null when there is none. Throws UsageError when there are several. */
export async function findScenario(directory: string): Promise<string | null> {
  const names = await readdir(directory).catch((): string[] => []);
  const found = SCENARIO_FILES.filter((name) => names.includes(name));
  if (found.length > 1)
    throw new UsageError(`"${directory}" holds ${found.join(' and ')}: name the one to use`);
  return found[0] === undefined ? null : join(directory, found[0]);
}

/** A path as a user would write it: relative when it lies below the working directory. */
export function shownPath(path: string, workingDirectory: string): string {
  const short = relative(workingDirectory, path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

async function scenarioFile(absolute: string, written: string): Promise<string> {
  const kind = await stat(absolute).catch(() => null);
  if (kind === null)
    throw new UsageError(`there is no scenario "${written}": write a folder with a ${SCENARIO_FILES[0]}`);
  if (kind.isDirectory()) {
    const found = await findScenario(absolute);
    if (found !== null) return found;
    throw new UsageError(
      `"${written}" holds no scenario: write a ${SCENARIO_FILES[0]} into it, as "rehearse init" does`,
    );
  }
  const isScenario = /\.(ya?ml|json|config\.ts)$/.test(basename(absolute));
  if (isScenario) return absolute;
  throw new UsageError(`"${written}" is no scenario: write a folder, or a .yaml, .json or .config.ts file`);
}

async function importScenario(file: string, shown: string): Promise<unknown> {
  const module: unknown = await import(pathToFileURL(file).href).catch((cause: unknown) => {
    throw new UsageError(`${shown}: cannot be imported: run it with node to see why`, { cause });
  });
  const exported =
    typeof module === 'object' && module !== null && 'default' in module ? module.default : null;
  if (typeof exported === 'object' && exported !== null) return exported;
  throw new UsageError(`${shown}: has no scenario: write export default defineScenario({ ... })`);
}

function check(value: unknown, locate: Locate): CheckedScenario {
  const parsed = scenarioSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw usageErrorOf(problemsOf(parsed.error, value, scenarioJsonSchema()), locate);
}
