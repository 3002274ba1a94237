/** Runs what restores a dump, and tells how far it is. */
import type {
  Command,
  ConnectionTarget,
  DeferredObjects,
  Dump,
  OpenedDump,
  RestoreStep,
  StreamedDump,
} from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { createEstimate } from './estimate.ts';
import { inputOf, placeDump, placeText } from './place.ts';
import { capture, type FoundProgram } from './programs.ts';
import { type DumpSource, readPlain } from './source.ts';

export interface DumpProgress {
  readonly message: string;
  /** 0..1, null while it cannot be known. */
  readonly fraction: number | null;
}

export interface RunRequest {
  readonly source: DumpSource;
  /** The migrator inside the rehearsed database: what is restored belongs to it. */
  readonly target: ConnectionTarget;
  readonly onProgress: (progress: DumpProgress) => void;
  readonly onNote: (text: string) => void;
}

/** The last lines that a program printed are told with its failure. */
const ERROR_LINES = 12;

/** One client reads the whole text. */
export async function runStream(
  dump: StreamedDump,
  client: FoundProgram,
  request: RunRequest,
  signal: AbortSignal,
): Promise<void> {
  const { source, target, onProgress, onNote } = request;
  const estimate = createEstimate();
  let table: string | null = null;
  const onRead = (bytes: number): void => {
    const fraction = bytes / source.bytes;
    onProgress({
      message: `restoring${table === null ? '' : ` ${table}`}: ${mebibytes(bytes)} of ${mebibytes(source.bytes)} MiB read${estimate(fraction)}`,
      fraction,
    });
  };
  const onTable = (name: string): void => {
    table = name;
  };
  const input = dump.filter(readPlain(source, onRead, signal), { onTable, onNote });
  const command = dump.restore(client.program, client.reach(target));
  const printed = createLines(() => undefined);
  const code = await client.run({ command, input, onOutput: printed.take }, signal);
  if (code !== 0) throw failure(dump, { client, code, lines: printed.last() });
}

export interface PathRequest extends RunRequest {
  readonly jobs: number;
  /** Called with what is in the dump before anything is restored. */
  readonly onListing: (listing: string) => Promise<void>;
  /** Makes roles that the dump names, before anything is restored. */
  readonly onRoles: (statements: readonly string[]) => Promise<void>;
  /** Adds the keys that the client leaves to us, after everything else. */
  readonly onKeys: (stages: DeferredObjects['restore']) => Promise<void>;
}

/** The client opens the dump by itself, several times. */
export async function runPath(
  dump: OpenedDump,
  clients: readonly FoundProgram[],
  request: PathRequest,
  signal: AbortSignal,
): Promise<void> {
  const [first] = clients;
  if (first === undefined) throw new Error('no program to restore with');
  await using placed = await placeDump(first, { ...request, rewriting: dump.rewriting }, signal);
  const { client, listing } = await readContents(dump, clients, placed.path, signal);
  await request.onListing(listing);
  const target = client.reach(request.target);
  const { program } = client;
  const { path } = placed;
  const print = async (command: Command): Promise<string> => {
    const { code, output, errors } = await capture(client.run, command, signal);
    if (code !== 0) throw failure(dump, { client, code, lines: errors.trim().split('\n') });
    return output;
  };
  if (dump.roles !== null)
    await request.onRoles(dump.roles.create(await print(dump.roles.command(program, path))));
  const split = dump.keys?.split(listing) ?? null;
  await using others = split === null ? null : await placeText(client, split.others, signal);
  const wanted = { program, path, target, jobs: request.jobs, listing, list: others?.path ?? null };
  for (const step of dump.steps(wanted)) await runStep(dump, { client, step }, request, signal);
  if (split === null || dump.keys === null) return;
  await using list = await placeText(client, split.keys, signal);
  await request.onKeys(dump.keys.stages(await print(dump.keys.command(program, path, list.path))));
}

/** The first program that can read it; what the preferred one said is told when none can. */
async function readContents(
  dump: OpenedDump,
  clients: readonly FoundProgram[],
  path: string,
  signal: AbortSignal,
): Promise<{ readonly client: FoundProgram; readonly listing: string }> {
  let refused: EnvironmentError | null = null;
  for (const client of clients) {
    // The dump is where the first one is.
    if (client.where !== clients[0]?.where) continue;
    if (dump.contents === null) return { client, listing: '' };
    const { code, output, errors } = await capture(
      client.run,
      dump.contents.command(client.program, path),
      signal,
    );
    if (code === 0) return { client, listing: output };
    refused ??= failure(dump, { client, code, lines: errors.trim().split('\n') });
  }
  throw refused ?? new Error('no program to restore with');
}

interface Failure {
  readonly client: FoundProgram;
  readonly code: number | null;
  readonly lines: readonly string[];
}

function failure(dump: Dump, { client, code, lines }: Failure): EnvironmentError {
  const first = lines.findIndex((line) => /\b(?:error|fatal)\b/i.test(line));
  const said = lines.slice(Math.max(first, lines.length - ERROR_LINES)).join('\n');
  const advice = dump.adviceFor(said);
  return new EnvironmentError(
    `${dump.description} could not be restored: "${client.program}"${client.where === null ? '' : ` in ${client.where}`} ` +
      `(${client.version}) ended with exit code ${code ?? '?'}${said === '' ? '' : `:\n${said}`}` +
      (advice === null ? '' : `\n${advice}`),
  );
}

interface Stepping {
  readonly client: FoundProgram;
  readonly step: RestoreStep;
}

async function runStep(
  dump: OpenedDump,
  { client, step }: Stepping,
  { onProgress }: RunRequest,
  signal: AbortSignal,
): Promise<void> {
  const estimate = createEstimate();
  let finished = 0;
  let weight = 0;
  let item = '';
  const report = (): void => {
    const fraction = step.weight === 0 || weight === 0 ? null : Math.min(1, weight / step.weight);
    const counted = finished === 0 ? '' : `, ${finished} finished`;
    onProgress({
      message: `restoring ${step.title}${item === '' ? '' : `: ${item}`}${counted}${fraction === null ? '' : estimate(fraction)}`,
      fraction,
    });
  };
  const printed = createLines((line) => {
    const told = step.interpret(line);
    if (told === null) return;
    item = told.item;
    if (told.finished) [finished, weight] = [finished + 1, weight + told.weight];
    report();
  });
  report();
  const code = await client.run(
    {
      command: step.command,
      input: step.input === null ? null : inputOf(step.input),
      onOutput: printed.take,
    },
    signal,
  );
  if (code !== 0) throw failure(dump, { client, code, lines: printed.last() });
}

/** Cuts what is printed into lines; the last ones are kept. */
function createLines(onLine: (line: string) => void) {
  const rest = { stdout: '', stderr: '' };
  const kept: string[] = [];
  return {
    take(from: 'stdout' | 'stderr', text: string): void {
      const lines = (rest[from] + text).split('\n');
      rest[from] = lines.pop() ?? '';
      for (const line of lines) {
        onLine(line);
        if (line.trim() !== '') kept.push(line);
      }
      kept.splice(0, kept.length - ERROR_LINES);
    },
    last: (): readonly string[] => [...kept, rest.stdout, rest.stderr].filter((line) => line.trim() !== ''),
  };
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
