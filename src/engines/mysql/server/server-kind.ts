/** Which server answers: the flavor and version are asked of the server itself, never taken from the scenario. */
import type { Session } from '../../engine.ts';
import { type Flavor, flavorOf } from '../connections/client.ts';

export interface ServerKind {
  readonly flavor: Flavor;
  /** 80036 for 8.0.36, 101108 for 10.11.8. */
  readonly version: number;
}

const kinds = new WeakMap<Session, Promise<ServerKind>>();

/** Asked once per session. */
export function serverKind(session: Session): Promise<ServerKind> {
  let kind = kinds.get(session);
  if (kind === undefined) {
    kind = readKind(session);
    kinds.set(session, kind);
  }
  return kind;
}

async function readKind(session: Session): Promise<ServerKind> {
  const [row] = await session.query<{ version: string }>('select version() as version');
  if (row === undefined) throw new Error('version() gave no row');
  return kindOfVersion(row.version);
}

/** MariaDB says so in its version: "11.8.6-MariaDB-0+deb13u1-log"; some proxies put "5.5.5-" in front. */
export function kindOfVersion(version: string): ServerKind {
  const [, major = '0', minor = '0', patch = '0'] =
    /^(?:5\.5\.5-(?=\d))?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return { flavor: flavorOf(version), version: Number(major) * 10_000 + Number(minor) * 100 + Number(patch) };
}
