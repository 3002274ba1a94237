/**
 * `npm run bench:fork [-- --engine postgres:18 | mysql:9.7]`: what a fork costs, and whether the server on it writes as one
 * that was never kept.
 *
 * 1. the data directory of a stopped server with a table of 1.1 GB, copied by us and by `cp -a`: as it is, and with all of
 *    it on the disk. A server in a container is copied by `cp -a` itself, so there is nothing to compare.
 * 2. one random row updated in every 8 MB of that table, each its own transaction, first writes all of them: on a fork that
 *    has just been started, and on a server that was filled in the same way, never kept, and has just been restarted.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { EnvironmentError } from '../src/errors.ts';
import { copyDataDirectory } from '../src/provisioners/copied-data.ts';
import { flushFiles } from '../src/provisioners/flushed-files.ts';
import { chooseProvisioner, removeKept, scratchDirectory } from '../src/provisioners/index.ts';
import type { Fork, KeptData, Server } from '../src/provisioners/provisioner.ts';
import { type ServerSpec, serverRequest, serverSpec } from '../tests/server.ts';
import { type Benchmark, benchmark } from './pairs.ts';

/** Of 1 KB each. */
const ROWS = 2 ** 20;
const ROW_BYTES = 1024;
const PROBE_EVERY_BYTES = 8 * 2 ** 20;

await benchmark('bench:fork', async (run: Benchmark) => {
  const spec = serverSpec(run.options.engine);
  const folder = await mkdtemp(join(await scratchDirectory(), 'rehearse-bench-'));
  await execa('chmod', ['755', folder]);
  let kept: KeptData | null = null;
  try {
    const { fork, description } = await keepOne(spec, folder, run.signal);
    kept = fork.data;
    run.describe(`${spec.name}, ${description}; table of ${(ROWS * ROW_BYTES) / 2 ** 20} MiB and more`);
    if (kept.kind === 'directory') await measureCopies(run, kept.path, folder);
    await measureWrites(run, spec, fork);
  } finally {
    if (kept !== null) await removeKept(kept);
    await rm(folder, { recursive: true, force: true });
  }
});

/** A filled server, kept and stopped. */
async function keepOne(spec: ServerSpec, folder: string, signal: AbortSignal) {
  const request = serverRequest({}, spec);
  const provisioner = await chooseProvisioner(request, signal);
  const keeping = await provisioner.keeping(request, signal);
  if ('missing' in keeping) throw new EnvironmentError(keeping.missing);
  await using server = await provisioner.start(request, signal);
  await fill(spec, server, signal);
  await server.useProfile('rehearsal');
  const data = keeping.place(folder);
  await server.keep(data);
  const fork: Fork = { data, settings: spec.engine.recipe.settings('rehearsal', {}) };
  return { fork, description: server.description };
}

/** Doubles its rows until there are enough: one statement that every engine takes. */
async function fill(spec: ServerSpec, server: Server, signal: AbortSignal): Promise<void> {
  const options = { applicationName: 'bench fill' };
  await using session = await spec.engine.connections.connect(server.administrator, options, signal);
  await session.execute(`create table probe (id bigint primary key, filler varchar(${ROW_BYTES}) not null)`);
  await session.execute(`insert into probe values (0, repeat('0123456789abcdef', ${ROW_BYTES / 16 - 4}))`);
  for (let rows = 1; rows < ROWS; rows *= 2) {
    signal.throwIfAborted();
    await session.execute(`insert into probe select id + ${rows}, filler from probe`);
  }
  const tables = (await spec.engine.schema.describe(session)).filter(({ name }) => name.endsWith('probe'));
  await spec.engine.filling.settle(session, tables);
}

async function measureCopies(run: Benchmark, data: string, folder: string): Promise<void> {
  const kibibytes = Number((await execa('du', ['-sk', data])).stdout.split('\t')[0]);
  const target = join(folder, 'copy');
  /** MB/s of one way of copying; the copy goes away, and nothing of it is left to be written out. */
  const speedOf = async (copy: () => Promise<unknown>): Promise<number> => {
    await execa('sync', ['-f', dirname(data)]);
    const startedAt = performance.now();
    await copy();
    const seconds = (performance.now() - startedAt) / 1000;
    await rm(target, { recursive: true, force: true });
    return kibibytes / 1000 / seconds;
  };
  const ours = (signal: AbortSignal) => copyDataDirectory(data, target, signal);
  const peer = () => execa('cp', ['-a', data, target]);
  // Both read from the page cache from the first pair on.
  await speedOf(peer);
  await run.measure({
    name: 'copy of a data directory / cp -a',
    unit: 'MB/s',
    goal: { atLeast: 0.9 },
    ours: (signal) => speedOf(() => ours(signal)),
    peer: () => speedOf(peer),
  });
  await run.measure({
    name: 'copy of a data directory, on the disk / cp -a and sync',
    unit: 'MB/s',
    goal: { atLeast: 0.9 },
    ours: (signal) =>
      speedOf(async () => {
        await ours(signal);
        await flushFiles(target, signal);
      }),
    peer: () =>
      speedOf(async () => {
        await peer();
        await execa('sync', ['-f', target]);
      }),
  });
}

async function measureWrites(run: Benchmark, spec: ServerSpec, fork: Fork): Promise<void> {
  const request = serverRequest({}, spec);
  const provisioner = await chooseProvisioner(request, run.signal);
  await using neverKept = await provisioner.start(request, run.signal);
  await fill(spec, neverKept, run.signal);
  await run.measure({
    name: 'first-write p99 on a fork / on a server that was never kept',
    unit: 'ms',
    goal: { atMost: 2 },
    ours: async (signal) => {
      await using server = await provisioner.start({ ...request, fork }, signal);
      await server.useProfile('rehearsal');
      return await firstWriteP99(spec, server, signal);
    },
    peer: async (signal) => {
      // Restarted and checkpointed as the fork is: its pages are first written to again.
      await neverKept.useProfile('filling');
      await neverKept.useProfile('rehearsal');
      return await firstWriteP99(spec, neverKept, signal);
    },
  });
}

async function firstWriteP99(spec: ServerSpec, server: Server, signal: AbortSignal): Promise<number> {
  const options = { applicationName: 'bench probe' };
  await using session = await spec.engine.connections.connect(server.administrator, options, signal);
  const placeholder = spec.engine.dialect.placeholder(1);
  const step = PROBE_EVERY_BYTES / ROW_BYTES;
  const latenciesMs: number[] = [];
  for (let first = 0; first < ROWS; first += step) {
    signal.throwIfAborted();
    const row = first + Math.floor(Math.random() * step);
    const startedAt = performance.now();
    await session.query(`update probe set filler = reverse(filler) where id = ${placeholder}`, [row]);
    latenciesMs.push(performance.now() - startedAt);
  }
  const ordered = latenciesMs.toSorted((one, other) => one - other);
  return ordered[Math.ceil(ordered.length * 0.99) - 1] ?? Number.NaN;
}
