/**
 * Files that a server holds open and that no walk of its data directory finds: sort files and the log of an online
 * ALTER are deleted as soon as they are made, and live on in the process alone. An ADD INDEX over 36 MB had 44 MB there
 * (measuring-locks-and-disk.md, 3.2).
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { DiskArea } from '../../../recording/recording.ts';

/** Bytes by area: the folders for temporary files apart, and what was deleted anywhere else. */
export type HiddenBytes = Readonly<
  Record<Extract<DiskArea, 'temporary' | 'tmpdir' | 'innodbTmpdir'>, number>
>;

export interface OpenFiles {
  bytes(): HiddenBytes;
  /** The server's folders for temporary files, by paths of this process. */
  readonly folders: readonly string[];
}

/** Folders as the server names them. */
export interface ServerFolders {
  readonly dataDirectory: string;
  readonly tmpdir: readonly string[];
  /** Where InnoDB sorts; empty where it is not set, then that is the tmpdir too. */
  readonly innodbTmpdir: readonly string[];
}

/** Names of the server's program; Linux keeps the first 15 letters. */
const PROGRAMS = new Set(['mysqld', 'mariadbd']);
const BLOCK_BYTES = 512;

/**
 * Finds the server whose data directory, as it sees it itself, is the one that we see at `dataDirectory`. Null where
 * there is no /proc, or where it may not be read (another user's process).
 */
export function findOpenFiles(dataDirectory: string, server: ServerFolders): OpenFiles | null {
  const wanted = identityOf(dataDirectory);
  const pid = processes().find(
    (id) => PROGRAMS.has(programOf(id)) && identityOf(`/proc/${id}/root${server.dataDirectory}`) === wanted,
  );
  if (wanted === null || pid === undefined) return null;
  const folder = `/proc/${pid}/fd`;
  try {
    readdirSync(folder);
  } catch {
    return null;
  }
  return {
    bytes: countHidden(folder, server),
    folders: [...server.tmpdir, ...server.innodbTmpdir].map((path) => `/proc/${pid}/root${path}`),
  };
}

/** A number may come to stand for another file: each one that is known is looked up again in one of so many readings. */
export const TURNS = 5;

function countHidden(folder: string, server: ServerFolders): () => HiddenBytes {
  let areas = new Map<string, keyof HiddenBytes | null>();
  let readings = 0;

  function areaOf(descriptor: string): keyof HiddenBytes | null {
    const known = areas.get(descriptor);
    if (known !== undefined && (Number(descriptor) + readings) % TURNS !== 0) return known;
    return areaOfLink(attempt(() => readlinkSync(`${folder}/${descriptor}`)) ?? '', server);
  }

  return () => {
    readings += 1;
    const bytes = { temporary: 0, tmpdir: 0, innodbTmpdir: 0 };
    const seen = new Map<string, keyof HiddenBytes | null>();
    for (const descriptor of attempt(() => readdirSync(folder)) ?? []) {
      const area = areaOf(descriptor);
      seen.set(descriptor, area);
      const found = area === null ? null : attempt(() => statSync(`${folder}/${descriptor}`));
      if (area !== null && found?.isFile()) bytes[area] += found.blocks * BLOCK_BYTES;
    }
    areas = seen;
    return bytes;
  };
}

const DELETED = ' (deleted)';

/**
 * The area of an open file that the walk of the data directory does not find, by its link in /proc; null for others. A
 * deleted file of a table is what a DROP has not let go of yet: it takes space all the same.
 */
export function areaOfLink(link: string, server: ServerFolders): keyof HiddenBytes | null {
  if (!link.startsWith('/') || /^\/(memfd:|dev\/|\[)/.test(link)) return null;
  const deleted = link.endsWith(DELETED);
  const isIn = (folders: readonly string[]): boolean =>
    folders.some((folder) => link.startsWith(`${folder}/`));
  if (!deleted && isIn([server.dataDirectory])) return null;
  if (isIn(server.innodbTmpdir)) return 'innodbTmpdir';
  if (isIn(server.tmpdir)) return 'tmpdir';
  return deleted ? 'temporary' : null;
}

function processes(): readonly string[] {
  return (attempt(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
}

function programOf(pid: string): string {
  return attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? '';
}

function identityOf(path: string): string | null {
  const found = attempt(() => statSync(path));
  return found === null ? null : `${found.dev} ${found.ino}`;
}

/** Null for what is gone by now or belongs to somebody else: processes and their files come and go. */
function attempt<Result>(look: () => Result): Result | null {
  try {
    return look();
  } catch {
    return null;
  }
}
