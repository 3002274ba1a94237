/** `rehearse snapshots`: what is kept, and how it goes away. */
import { UsageError } from '../errors.ts';
import { parseBytes } from '../scenario/units.ts';
import {
  type Entry,
  listSnapshots,
  pruneSnapshots,
  removeSnapshot,
  removeUnfinished,
  snapshotsDirectory,
} from '../snapshots/index.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandIo } from './command.ts';

const help = `rehearse snapshots list
rehearse snapshots remove KEY...
rehearse snapshots prune --keep SIZE

Snapshots are filled data directories that "rehearse seed" and "rehearse run" have kept. A run whose rows are the same forks
one instead of filling: a clone where the file system can, else a copy.

  list          every snapshot, used last first: key, size, when it was made and used last, the scenario for which it was
                made, who keeps it (seed: only you remove it; run: removed by itself above 20 GiB in all), what it
                depends on, and why it cannot be used where that is so
  remove KEY    removes them; the first characters of a key are enough where they are of one alone
  prune         removes those that cannot be used, then those used longest ago until the rest takes no more than --keep
  --keep SIZE   such as 20GB or 500MiB; 0 removes all

What a killed rehearsal was making or removing goes away with each of them, and is named.

REHEARSE_SNAPSHOTS names the folder of the snapshots; "off" keeps and uses none. Default: below the cache folder.

Examples:
  rehearse snapshots list
  rehearse snapshots remove 3f9a1c
  rehearse snapshots prune --keep 20GB`;

export const snapshotsCommand: Command = {
  name: 'snapshots',
  summary: 'list, remove or prune the filled data directories that are kept',
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('snapshots', args, { keep: { type: 'string' } });
    const [action = 'list', ...keys] = positionals;
    const work = ACTIONS[action];
    if (work === undefined)
      throw new UsageError(
        `rehearse snapshots does not know "${action}": it is one of ${Object.keys(ACTIONS).join(', ')}. ` +
          'See rehearse snapshots --help.',
      );
    if (values.keep !== undefined && action !== 'prune')
      throw new UsageError(`--keep belongs to "rehearse snapshots prune", not to "${action}".`);
    const directory = await snapshotsDirectory();
    if (directory === null) {
      io.stdout.write('REHEARSE_SNAPSHOTS is off: no snapshot is kept or used\n');
      return 0;
    }
    for (const line of await removeUnfinished(directory)) io.stdout.write(`removed: ${line}\n`);
    await work({ directory, keys, keep: values.keep, io });
    return 0;
  },
};

interface Asked {
  readonly directory: string;
  readonly keys: readonly string[];
  readonly keep: string | undefined;
  readonly io: CommandIo;
}

const ACTIONS: Readonly<Record<string, (asked: Asked) => Promise<void>>> = { list, remove, prune };

async function list({ directory, keys, io }: Asked): Promise<void> {
  refuseKeys('list', keys);
  const entries = await listSnapshots(directory);
  if (entries.length === 0) io.stdout.write(`no snapshot is kept in ${directory}\n`);
  for (const entry of entries) io.stdout.write(`${describe(entry).join('\n')}\n`);
  const bytes = entries.reduce((sum, { snapshot }) => sum + (snapshot?.manifest.bytes ?? 0), 0);
  if (entries.length > 1) io.stdout.write(`${entries.length} snapshots, ${size(bytes)}, in ${directory}\n`);
}

function describe({ key, snapshot, unusable }: Entry): readonly string[] {
  const notUsed = unusable === null ? [] : [`  not used: ${unusable}`];
  if (snapshot === null) return [key, ...notUsed, `  "rehearse snapshots remove ${key}" removes it`];
  const { manifest, lastUsedAt } = snapshot;
  const { parts, scenario, keptBy, filling } = manifest;
  const rows = filling.reduce((sum, table) => sum + table.rows, 0);
  return [
    `${key}  ${size(manifest.bytes)}  ${scenario}  (kept by ${keptBy})`,
    ...notUsed,
    `  made ${minute(manifest.madeAt)}, used last ${minute(lastUsedAt.toISOString())}; filling took ${(manifest.fillMs / 1000).toFixed(1)} s`,
    `  ${rows} rows in ${filling.length} tables: ${filling.map((table) => `${table.table} ${table.rows}`).join(', ')}`,
    `  server      ${parts.server}`,
    `  settings    ${parts.settings}`,
    `  data        ${parts.data}`,
    `  files       ${parts.files}`,
    `  migrations  ${parts.migrations}`,
    `  harness     ${parts.harness}`,
  ];
}

async function remove({ directory, keys, io }: Asked): Promise<void> {
  if (keys.length === 0)
    throw new UsageError(
      'rehearse snapshots remove takes the keys of snapshots: see "rehearse snapshots list".',
    );
  const entries = await listSnapshots(directory);
  const chosen = keys.map((key) => find(entries, key));
  for (const { key, snapshot } of new Set(chosen)) {
    await removeSnapshot(directory, key);
    io.stdout.write(`removed: ${key}${snapshot === null ? '' : `, ${size(snapshot.manifest.bytes)}`}\n`);
  }
}

function find(entries: readonly Entry[], beginning: string): Entry {
  const found = entries.filter(({ key }) => key.startsWith(beginning));
  const [only, another] = found;
  if (only !== undefined && (another === undefined || only.key === beginning)) return only;
  if (another !== undefined)
    throw new UsageError(
      `"${beginning}" is the beginning of ${found.map(({ key }) => key).join(' and of ')}.`,
    );
  throw new UsageError(
    `there is no snapshot "${beginning}": "rehearse snapshots list" names those that there are.`,
  );
}

async function prune({ directory, keys, keep, io }: Asked): Promise<void> {
  refuseKeys('prune', keys);
  if (keep === undefined)
    throw new UsageError('rehearse snapshots prune needs --keep SIZE, what may stay in all: --keep 20GB.');
  const removed = await pruneSnapshots(directory, bytesOf(keep));
  for (const { key, snapshot, unusable } of removed)
    io.stdout.write(
      `removed: ${key}, ${unusable ?? `${size(snapshot?.manifest.bytes ?? 0)}, used longest ago`}\n`,
    );
  const left = await listSnapshots(directory);
  const bytes = left.reduce((sum, { snapshot }) => sum + (snapshot?.manifest.bytes ?? 0), 0);
  io.stdout.write(
    `${left.length} ${left.length === 1 ? 'snapshot is' : 'snapshots are'} left, ${size(bytes)}\n`,
  );
}

function refuseKeys(action: string, keys: readonly string[]): void {
  if (keys.length > 0)
    throw new UsageError(`rehearse snapshots ${action} takes no key, but there is "${keys[0]}".`);
}

function bytesOf(text: string): number {
  const parsed = parseBytes(text);
  if ('value' in parsed) return parsed.value;
  throw new UsageError(`--keep: ${parsed.problem}`);
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

const minute = (instant: string): string => `${instant.slice(0, 16).replace('T', ' ')} UTC`;
