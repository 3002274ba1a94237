/** `rehearse doctor`: what is there, what a killed rehearsal left behind, and what would keep one from running. */
import { accessSync, constants } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { engines } from '../engines/index.ts';
import { explain, isKnown, UsageError } from '../errors.ts';
import { findLoadProgram } from '../load/index.ts';
import { cacheDirectory, findDocker, removeLeftovers, scratchDirectory } from '../provisioners/index.ts';
import { removeUnfinished, snapshotsDirectory } from '../snapshots/index.ts';
import { harnessVersion } from '../version.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandIo } from './command.ts';

const help = `rehearse doctor

Says what is there: Node.js, servers that can be started embedded, the Docker engine, migration tools, pgbench, free disk. Removes
what a killed rehearsal left behind (servers, containers, volumes, folders) and names each thing it removed.

Exit code 0 when some server can be started here, 3 when none can.`;

/** Programs that are used when they are there; none of them is needed. */
const OPTIONAL_PROGRAMS = ['dbmate', 'migrate', 'flyway', 'prisma', 'drizzle-kit', 'pg_restore', 'docker'];

interface Line {
  readonly mark: 'ok' | '--' | '!!';
  readonly what: string;
  readonly says: string;
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'what is there: servers, Docker, tools, free disk; removes what a killed run left',
  help,
  async run(args, io) {
    const { positionals } = parseArguments('doctor', args, {});
    if (positionals.length > 0)
      throw new UsageError(`rehearse doctor takes no argument, but there is "${positionals[0]}".`);
    const servers = [...(await embeddedServers()), await dockerLine()];
    const lines: readonly Line[] = [
      { mark: 'ok', what: 'rehearse', says: `${harnessVersion()} on Node.js ${process.versions.node}` },
      ...servers,
      programsLine(io),
      ...(await loadProgramLines()),
      ...(await diskLines()),
      ...(await leftoverLines()),
    ];
    const width = Math.max(...lines.map(({ what }) => what.length));
    for (const { mark, what, says } of lines) io.stdout.write(`${mark}  ${what.padEnd(width)}  ${says}\n`);
    return servers.some(({ mark }) => mark === 'ok') ? 0 : 3;
  },
};

async function embeddedServers(): Promise<readonly Line[]> {
  const cache = await cacheDirectory();
  const lines: Line[] = [];
  for (const engine of engines) {
    for (const flavor of engine.flavors) {
      const wanted = { flavor, version: null, binary: null, cacheDirectory: cache };
      const missing = await engine.recipe.embedded.missing(wanted);
      lines.push(
        missing === null
          ? { mark: 'ok', what: `embedded ${flavor}`, says: 'can be started' }
          : { mark: '--', what: `embedded ${flavor}`, says: missing },
      );
    }
  }
  return lines;
}

async function dockerLine(): Promise<Line> {
  const docker = await findDocker();
  if ('missing' in docker) return { mark: '--', what: 'containers', says: docker.missing };
  const protection = docker.local
    ? 'published on 127.0.0.1 only'
    : 'published on that host: a random password is what protects the data';
  return {
    mark: 'ok',
    what: 'containers',
    says: `Docker ${docker.version} at ${docker.host}; ${protection}`,
  };
}

function programsLine(io: CommandIo): Line {
  const folders = (io.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = OPTIONAL_PROGRAMS.filter((program) =>
    folders.some((folder) => isExecutable(join(folder, program))),
  );
  const says = found.length === 0 ? 'none on PATH; none is needed' : `${found.join(', ')} on PATH`;
  return { mark: 'ok', what: 'programs', says };
}

async function loadProgramLines(): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const engine of engines) {
    for (const { name } of engine.loadPrograms) {
      const what = `load by ${name}`;
      try {
        const { path, version } = await findLoadProgram(engine, { name, scripts: [] }, NEVER);
        lines.push({ mark: 'ok', what, says: `${version} at ${path}` });
      } catch (error) {
        if (!isKnown(error)) throw error;
        lines.push({ mark: '--', what, says: explain(error) });
      }
    }
  }
  return lines;
}

const NEVER = new AbortController().signal;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function diskLines(): Promise<readonly Line[]> {
  const directory = await scratchDirectory();
  const space = await statfs(directory);
  const gibibytes = (space.bavail * space.bsize) / 2 ** 30;
  return [
    {
      mark: gibibytes < 2 ? '!!' : 'ok',
      what: 'disk',
      says: `${gibibytes.toFixed(1)} GiB free in ${directory}`,
    },
  ];
}

async function leftoverLines(): Promise<readonly Line[]> {
  const snapshots = await snapshotsDirectory();
  const unfinished = snapshots === null ? [] : await removeUnfinished(snapshots);
  const removed = [...(await removeLeftovers()), ...unfinished];
  if (removed.length === 0) return [{ mark: 'ok', what: 'leftovers', says: 'none' }];
  return removed.map((line) => ({ mark: '!!', what: 'leftovers', says: `removed: ${line}` }));
}
