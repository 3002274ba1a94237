/**
 * Files that a server holds open and that no walk of its data directory finds: sort files and the log of an online
 * ALTER are deleted as soon as they are made, and live on in the process alone. An ADD INDEX over 36 MB had 44 MB there
 * (measuring-locks-and-disk.md, 3.2).
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

export interface OpenFiles {
  /** Bytes in deleted files, and in those of the folders for temporary files. */
  bytes(): number;
}

/** Names of the server's program; Linux keeps the first 15 letters. */
const PROGRAMS = new Set(['mysqld', 'mariadbd']);
const BLOCK_BYTES = 512;

/**
 * Finds the server whose data directory, as it sees it itself, is the one that we see at `dataDirectory`. Null where
 * there is no /proc, or where it may not be read (another user's process).
 */
export function findOpenFiles(
  dataDirectory: string,
  server: { readonly dataDirectory: string; readonly temporary: readonly string[] },
): OpenFiles | null {
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
  return { bytes: () => hiddenBytes(folder, server.temporary) };
}

function hiddenBytes(folder: string, temporary: readonly string[]): number {
  let bytes = 0;
  for (const descriptor of attempt(() => readdirSync(folder)) ?? []) {
    const path = `${folder}/${descriptor}`;
    const link = attempt(() => readlinkSync(path)) ?? '';
    if (!isHidden(link, temporary)) continue;
    const found = attempt(() => statSync(path));
    if (found?.isFile()) bytes += found.blocks * BLOCK_BYTES;
  }
  return bytes;
}

/** A deleted file of a table is what a DROP has not let go of yet: it takes space all the same. */
function isHidden(link: string, temporary: readonly string[]): boolean {
  if (!link.startsWith('/') || /^\/(memfd:|dev\/|\[)/.test(link)) return false;
  return link.endsWith(' (deleted)') || temporary.some((folder) => link.startsWith(`${folder}/`));
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
