/** Finds the load generator of others that a scenario wants, and has it read the scripts. */
import { glob, mkdtemp, rm, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Command, Engine, LoadProgram } from '../../engines/engine.ts';
import { loadProgramOf } from '../../engines/index.ts';
import { EnvironmentError, UsageError } from '../../errors.ts';
import { runHere, scratchDirectory } from '../../provisioners/index.ts';
import type { LoadProgramSettings, LoadSettings } from '../../scenario/plan.ts';

export interface FoundLoadProgram {
  readonly program: LoadProgram;
  /** Path of the executable. */
  readonly path: string;
  readonly version: string;
}

/** UsageError when the engine has none of this name; EnvironmentError says where it was looked for. */
export async function findLoadProgram(
  engine: Engine,
  { name }: LoadProgramSettings,
  signal: AbortSignal,
): Promise<FoundLoadProgram> {
  const program = loadProgramOf(engine, name);
  const folders = await foldersOf(program);
  const unusable: string[] = [];
  for (const folder of folders) {
    const path = join(folder, process.platform === 'win32' ? `${name}.exe` : name);
    if (!(await isFile(path))) continue;
    const { code, stdout, stderr } = await run({ program: path, args: ['--version'], env: {} }, signal);
    const version = code === 0 ? program.readVersion(stdout) : null;
    if (version !== null) return { program, path, version };
    unusable.push(`${path} (${(stdout || stderr).trim().split('\n')[0] ?? ''})`);
  }
  const seen = unusable.length === 0 ? '' : ` What is there cannot be used: ${unusable.join(', ')}.`;
  throw new EnvironmentError(
    `load.generator: there is no ${name} in ${folders.join(', ')}.${seen} ${program.remedy}`,
  );
}

/** Has the program read the scripts without a server to run them on; UsageError with what it says of them. */
export async function refuseWrongScripts(
  engine: Engine,
  settings: LoadSettings,
  signal: AbortSignal,
): Promise<void> {
  if (settings.program === null) return;
  const { program, path, version } = await findLoadProgram(engine, settings.program, signal);
  const nowhere = await mkdtemp(join(await scratchDirectory(), 'rehearse-scripts-'));
  try {
    const { stderr } = await run(
      program.command(path, version, {
        target: { ...NO_TARGET, socket: nowhere },
        applicationName: 'rehearse scripts',
        clients: 1,
        ratePerSecond: settings.ratePerSecond,
        scripts: settings.program.scripts,
        protocol: settings.protocol,
        randomSeed: 0,
        statementTimeoutMs: null,
        skipAfterMs: null,
        logPrefix: join(nowhere, 'log'),
      }),
      signal,
    );
    const refusal = program.readRefusal(stderr);
    if (refusal !== null)
      throw new UsageError(`load.operations: ${program.name} refuses a script: ${refusal}`);
  } finally {
    await rm(nowhere, { recursive: true, force: true });
  }
}

const NO_TARGET = { host: '', port: 1, user: 'nobody', password: '', database: 'nowhere', tls: false };

async function foldersOf({ programFolders }: LoadProgram): Promise<readonly string[]> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const pattern of programFolders) {
    const matching: string[] = [];
    for await (const folder of glob(pattern)) matching.push(folder);
    const newestFirst = matching.toSorted((one, other) => other.localeCompare(one, 'en', { numeric: true }));
    folders.push(...newestFirst);
  }
  return [...new Set(folders)];
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (status) => status.isFile(),
    () => false,
  );
}

async function run(command: Command, signal: AbortSignal) {
  const printed = { stdout: '', stderr: '' };
  const onOutput = (from: 'stdout' | 'stderr', text: string): void => {
    printed[from] += text;
  };
  const code = await runHere({ command, input: null, onOutput }, signal);
  return { code, ...printed };
}
