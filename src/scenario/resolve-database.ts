/** Which engine, and the server it runs on. */
import { resolve } from 'node:path';
import {
  configuredEngines,
  type EngineCandidate,
  engineMeant,
  engineNamed,
  flavorOfProfile,
  kindAt,
  sqlTexts,
  topOf,
} from './look-ups.ts';
import { PROVISIONER_OF, type Wanted } from './overrides.ts';
import type { DatabasePlan, MigrationsPlan } from './plan.ts';
import { unknownName } from './problems.ts';
import type { ResolveRequest } from './resolve.ts';

interface ChosenEngine {
  readonly engine: string;
  readonly flavor: string;
}

interface Evidence {
  readonly schemaFile: string | null;
  readonly dumpFile: string | null;
  readonly profileFile: string | null;
  readonly migrations: MigrationsPlan | null;
}

const SETTING_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** The engine as written; else by the URL, the configuration of the tool, the dialect of the SQL. Null: complained. */
export async function resolveEngine(
  wanted: Wanted,
  request: ResolveRequest,
  evidence: Evidence,
  found: string[],
): Promise<ChosenEngine | null> {
  const { known } = request;
  const flavors = known.engines.flatMap((engine) => engine.flavors);
  const written = wanted.scenario.database?.engine;
  if (written !== undefined) {
    const named = engineNamed(written, known);
    if (named === null) wanted.complain(['database', 'engine'], unknownEngine(written, known, flavors));
    return named;
  }
  const scheme = /^([a-z0-9]+)/i.exec(expanded(wanted, request, () => {}) ?? '')?.[1];
  const byUrl = scheme === undefined ? null : engineMeant(scheme, known);
  if (byUrl !== null) return byUrl;
  const dumped = evidence.dumpFile === null ? null : await request.lookUps.recogniseDump(evidence.dumpFile);
  if (dumped !== null) {
    found.push(`the engine is ${dumped.flavor}, because the dump is ${marksOf(dumped)}`);
    return { engine: dumped.engine, flavor: dumped.flavor };
  }
  const captured = evidence.profileFile === null ? null : await flavorOfProfile(evidence.profileFile);
  const profiled = captured === null ? null : engineNamed(captured, known);
  if (profiled !== null) {
    found.push(`the engine is ${profiled.flavor}, because the profile was captured from it`);
    return profiled;
  }
  if (evidence.migrations === null) return null;
  const { directory } = evidence.migrations;
  const top = await topOf(directory, wanted.directory);
  const configured = await configuredEngines(directory, top, known);
  const seen =
    configured.length === 1
      ? configured
      : request.lookUps.recogniseEngine(await sqlTexts(evidence.schemaFile, directory));
  const [only, ...others] = seen;
  if (only !== undefined && others.length === 0) {
    found.push(`the engine is ${only.flavor}, because of ${marksOf(only)}`);
    return { engine: only.engine, flavor: only.flavor };
  }
  const schemaIsMissing = evidence.schemaFile === null && wanted.scenario.data?.schema !== undefined;
  // The schema would have told; that it is not there is complained about already.
  if (only === undefined && schemaIsMissing) return null;
  const doubt =
    only === undefined
      ? 'neither the SQL nor the configuration of a tool tells the engine'
      : `the SQL could be for ${seen.map((one) => `${one.flavor} (${marksOf(one)})`).join(' or ')}`;
  wanted.complain(
    ['database', 'engine'],
    `${doubt}: write database.engine (--engine), one of ${flavors.join(', ')}`,
  );
  return null;
}

/** `postgres:17` is for the command line. */
function unknownEngine(written: string, known: ResolveRequest['known'], flavors: readonly string[]): string {
  const [name = '', version] = written.split(':');
  if (version === undefined || engineNamed(name, known) === null)
    return unknownName('engine', written, flavors);
  return `"${written}" is an engine and a version: write engine: ${name} and version: "${version}"`;
}

/** Everything about the server; complains even where the engine is not known. Null after a complaint. */
export async function resolveDatabase(
  wanted: Wanted,
  request: ResolveRequest,
  chosen: ChosenEngine | null,
): Promise<DatabasePlan | null> {
  const written = wanted.scenario.database ?? {};
  const settings = written.settings ?? {};
  for (const name of Object.keys(settings))
    if (!SETTING_NAME.test(name))
      wanted.complain(['database', 'settings', name], `"${name}" is not the name of a setting`);
  const url = expanded(wanted, request, (message) => wanted.complain(['database', 'url'], message));
  const provision = provisionOf(wanted, request);
  const binary = await binaryOf(wanted);
  if (chosen === null) return null;
  const plan = {
    engine: chosen.engine,
    flavor: chosen.flavor,
    version: written.version ?? null,
    image: written.image ?? null,
    binary,
    url: provision === 'external' ? url : null,
    expendable: written.expendable ?? false,
    settings,
    replica: written.replica ?? false,
  };
  if (provision !== null) return { ...plan, provision };
  wanted.throwComplaints();
  return { ...plan, provision: await request.lookUps.chooseProvisioner(plan) };
}

/** As written, or as the other keys imply; null leaves the choice to what this machine can run. */
function provisionOf(wanted: Wanted, request: ResolveRequest): string | null {
  const { provision, url, image, binary } = wanted.scenario.database ?? {};
  const { provisioners } = request.known;
  if (provision !== undefined && !provisioners.includes(provision)) {
    wanted.complain(['database', 'provision'], unknownName('provisioner', provision, provisioners));
    return provision;
  }
  const implied = [
    { key: 'url' as const, is: url },
    { key: 'image' as const, is: image },
    { key: 'binary' as const, is: binary },
  ].flatMap(({ key, is }) => (is === undefined ? [] : [{ key, means: PROVISIONER_OF[key] }]));
  for (const { key, means } of implied)
    if (provision !== undefined && provision !== means)
      wanted.complain(
        ['database', key],
        `is of no use with the provisioner ${provision}: write provision: ${means}, or remove it`,
      );
  if (provision === undefined && implied.length > 1)
    wanted.complain(
      ['database', 'provision'],
      `${implied.map(({ key }) => key).join(' and ')} contradict each other: keep one of them`,
    );
  if (provision === 'external' && url === undefined)
    wanted.complain(
      ['database', 'provision'],
      `external needs the URL of the server: write database.url (--url), such as \${DATABASE_URL} to keep it out of the file`,
    );
  return provision ?? implied[0]?.means ?? null;
}

async function binaryOf(wanted: Wanted): Promise<string | null> {
  const key = ['database', 'binary'];
  const written = wanted.scenario.database?.binary;
  if (written === undefined) return null;
  const folder = resolve(wanted.baseOf(key), written);
  if ((await kindAt(folder)) !== 'directory')
    wanted.complain(key, `there is no folder "${folder}": write the folder that holds the server's binaries`);
  return folder;
}

/** `database.url` with each `${NAME}` from the environment; the URL itself is never part of a message. */
function expanded(
  wanted: Wanted,
  request: ResolveRequest,
  complain: (message: string) => void,
): string | null {
  const written = wanted.scenario.database?.url;
  if (written === undefined) return null;
  const url = written.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = request.environment[name];
    if (value === undefined || value === '')
      complain(`the environment has no ${name}: set it, or write the URL without it`);
    return value ?? '';
  });
  if (!/^[a-z][a-z0-9+.-]*:\/\/./i.test(url) && url !== '')
    complain('is not a URL: write scheme://user:password@host:port/database');
  return url;
}

function marksOf(candidate: EngineCandidate): string {
  return candidate.marks.slice(0, 3).join(', ');
}
