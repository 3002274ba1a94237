/** A project in a folder of its own, and everything that a rehearsal of it could leave behind. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { cacheDirectory } from '../src/provisioners/index.ts';
import { startRehearse } from './command.ts';

export type Files = Readonly<Record<string, string>>;

export interface Sandbox extends AsyncDisposable {
  /** Working directory of the command; its name has a space in it. */
  readonly project: string;
  readonly env: Readonly<Record<string, string>>;
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ReturnType<typeof startRehearse>;
  /** Processes, folders and notes of rehearsals in this sandbox; containers and volumes of the process `pid`. */
  leftBehind(pid: number | undefined): Promise<readonly string[]>;
}

/** A small rehearsal: two tables, an instant migration, and windows as short as they can be. */
export const SMALL_SCHEMA = `create table customers (id bigint primary key, name text not null);
create table orders (
  id bigint primary key,
  customer_id bigint not null references customers (id),
  total int not null
);
`;

export const SMALL_SCENARIO = {
  name: 'small',
  database: { engine: 'postgres' },
  data: { schema: 'schema.sql', tables: { customers: { rows: 50 }, orders: { rows: 500 } } },
  load: { rate: '50/s', pool: { size: 4 }, warmUp: '200ms', baseline: '1s', recovery: '1s' },
  migrations: { tool: 'sql', directory: 'migrations' },
};

export const SMALL_PROJECT: Files = {
  'schema.sql': SMALL_SCHEMA,
  'migrations/1_note.sql': 'alter table orders add column note text;\n',
  'rehearsal.yaml': stringify(SMALL_SCENARIO),
};

/** The small scenario with other sections, each merged into the one of the same name. */
export function scenarioWith(changes: Readonly<Record<string, unknown>>): string {
  const merged = Object.entries(changes).map(([section, change]) => {
    const before: unknown = Object.entries(SMALL_SCENARIO).find(([name]) => name === section)?.[1];
    return [section, isMap(before) && isMap(change) ? { ...before, ...change } : change];
  });
  return stringify({ ...SMALL_SCENARIO, ...Object.fromEntries(merged) });
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Writes the files of a project; one with an empty text and a name that ends in / is a folder. */
export async function createSandbox(files: Files): Promise<Sandbox> {
  const directory = await mkdtemp(join(tmpdir(), 'rehearse-sandbox-'));
  const project = join(directory, 'the project');
  const scratch = join(directory, 'scratch');
  const state = join(directory, 'state');
  await mkdir(scratch, { mode: 0o755 });
  // mkdtemp closes the folder to others, one of whom runs the server when we are root.
  await execa('chmod', ['755', directory]);
  await mkdir(project);
  for (const [name, text] of Object.entries(files)) {
    const path = join(project, name);
    await mkdir(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/')) await writeFile(path, text);
  }
  const env = {
    REHEARSE_CACHE: await cacheDirectory(),
    REHEARSE_TMP: scratch,
    TMPDIR: scratch,
    XDG_STATE_HOME: state,
  };
  return {
    project,
    env,
    start: (args, more = {}) => startRehearse(args, { cwd: project, env: { ...env, ...more } }),
    async leftBehind(pid) {
      return [
        ...(await processesIn(scratch)).map((command) => `process ${command}`),
        ...(await namesIn(scratch)).map((name) => `folder ${name}`),
        ...(await namesIn(join(state, 'rehearse'))).map((name) => `note ${name}`),
        ...(pid === undefined ? [] : await inDocker(pid)),
      ];
    },
    [Symbol.asyncDispose]: async () => {
      // What a test that failed has left is found by the notes, which go away with the sandbox.
      const notes = await namesIn(join(state, 'rehearse'));
      if (notes.length > 0) await startRehearse(['doctor'], { cwd: project, env });
      await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

/** Command lines that name the folder: those of its servers. */
async function processesIn(folder: string): Promise<readonly string[]> {
  const commands = process.platform === 'linux' ? await commandsInProc() : await commandsByPs();
  return commands.filter((command) => command.includes(`${folder}/`));
}

async function commandsInProc(): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return `${pid} ${line.replaceAll('\0', ' ')}`;
    }),
  );
}

async function commandsByPs(): Promise<readonly string[]> {
  const { stdout } = await execa('ps', ['-A', '-o', 'pid=,args=']);
  return stdout.split('\n');
}

/** Containers and volumes with the label of that process; none where there is no Docker. */
async function inDocker(pid: number): Promise<readonly string[]> {
  const filter = `label=rehearse.owner=${pid}@${hostname()}`;
  const [containers, volumes] = await Promise.all([
    execa('docker', ['ps', '-a', '--filter', filter, '--format', 'container {{.Names}}'], { reject: false }),
    execa('docker', ['volume', 'ls', '--filter', filter, '--format', 'volume {{.Name}}'], { reject: false }),
  ]);
  return `${containers.stdout ?? ''}\n${volumes.stdout ?? ''}`.split('\n').filter((line) => line !== '');
}
