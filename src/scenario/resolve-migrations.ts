/** Where the migrations are, which tool they belong to, and how they are run. */
import { resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { resolveMigrationSettings } from './defaults.ts';
import { shownPath } from './load.ts';
import { type DetectedTool, kindAt, toolOf, topOf } from './look-ups.ts';
import type { Wanted } from './overrides.ts';
import type { MigrationsPlan } from './plan.ts';
import { unknownName } from './problems.ts';
import type { ResolveRequest } from './resolve.ts';

/** Null after a complaint. What was detected is pushed to `found`. */
export async function resolveMigrations(
  wanted: Wanted,
  request: ResolveRequest,
  found: string[],
): Promise<MigrationsPlan | null> {
  const written = wanted.scenario.migrations ?? {};
  const settings = resolveMigrationSettings(written);
  if (settings.lockTimeoutMs === null)
    for (const key of ['retries', 'backoff'] as const)
      if (written[key] !== undefined)
        wanted.complain(
          ['migrations', key],
          'has no effect without a lock timeout: write migrations.lockTimeout, such as 300ms',
        );
  if (settings.lockTimeoutMs === 0)
    wanted.complain(['migrations', 'lockTimeout'], '0 would wait for ever: write none, or more than zero');
  const place = await placeOf(wanted, request);
  if (place === null) return null;
  if (place.detected !== null && written.tool === undefined)
    found.push(
      `migrations in ${shownPath(place.directory, request.workingDirectory)} are of ${place.tool}, because ${place.detected.because}`,
    );
  return { ...settings, tool: place.tool, directory: place.directory };
}

interface Place {
  readonly tool: string;
  readonly directory: string;
  readonly detected: DetectedTool | null;
}

async function placeOf(wanted: Wanted, request: ResolveRequest): Promise<Place | null> {
  const { tool, directory: writtenDirectory } = wanted.scenario.migrations ?? {};
  const { tools } = request.known;
  const toolIsKnown = tool === undefined || tools.includes(tool);
  if (!toolIsKnown) wanted.complain(['migrations', 'tool'], unknownName('migration tool', tool, tools));
  if (writtenDirectory === undefined) {
    const key = tool === undefined ? 'tool' : 'directory';
    const detected = await detectedOr(wanted, ['migrations', key], () =>
      request.lookUps.detectTool(wanted.directory),
    );
    if (detected === null) return null;
    const directory = resolve(wanted.directory, detected.directory);
    if (tool !== undefined && tool !== detected.tool.name) {
      wanted.complain(
        ['migrations', 'directory'],
        `what was found in "${directory}" is of ${detected.tool.name}: write the folder of ${tool} (--migrations DIRECTORY)`,
      );
      return null;
    }
    return { tool: tool ?? detected.tool.name, directory, detected };
  }
  const key = ['migrations', 'directory'];
  const directory = resolve(wanted.baseOf(key), writtenDirectory);
  const kind = await kindAt(directory);
  if (kind !== 'directory') {
    wanted.complain(
      key,
      kind === null
        ? `there is no folder "${directory}": correct the path`
        : `"${directory}" is a file: write the folder that holds the migrations`,
    );
    return null;
  }
  if (tool !== undefined) return toolIsKnown ? { tool, directory, detected: null } : null;
  const top = await topOf(directory, wanted.directory);
  const detected = await detectedOr(wanted, ['migrations', 'tool'], () =>
    toolOf(directory, top, request.lookUps.detectTool),
  );
  return detected === null ? null : { tool: detected.tool.name, directory, detected };
}

/** Null after a complaint: the reason why the tool cannot be told. */
async function detectedOr(
  wanted: Wanted,
  key: readonly string[],
  detect: () => Promise<DetectedTool>,
): Promise<DetectedTool | null> {
  try {
    return await detect();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    wanted.complain(key, error.message);
    return null;
  }
}
