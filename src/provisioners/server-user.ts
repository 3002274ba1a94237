/** Database servers refuse to run as root: then an unprivileged user of the machine runs them. */
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EnvironmentError } from '../errors.ts';

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Users that a machine may have for this purpose, the most fitting one first. */
const candidates = ['postgres', 'mysql', 'nobody'];
/** `nobody` of nearly every system, for an image without any of the names above. */
const lastResort: ServerUser = { name: 'nobody', uid: 65_534, gid: 65_534 };

/** Who runs the server: null is this process's own user. */
export async function chooseServerUser(): Promise<ServerUser | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return pickServerUser(accounts);
}

/** Pure: the first candidate in the text of /etc/passwd. */
export function pickServerUser(accounts: string): ServerUser {
  const found = accounts.split('\n').flatMap((line): ServerUser[] => {
    const [name, , uid, gid] = line.split(':');
    return name === undefined || !(Number(uid) > 0) ? [] : [{ name, uid: Number(uid), gid: Number(gid) }];
  });
  const chosen = candidates.flatMap((name) => found.filter((user) => user.name === name));
  return chosen[0] ?? lastResort;
}

/** EnvironmentError when a folder on the way to `path` cannot be entered by the user; `remedy` says what to do. */
export async function requireReachable(user: ServerUser | null, path: string, remedy: string): Promise<void> {
  if (user === null) return;
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
    if (((mode >> shift) & 0o1) === 0) {
      throw new EnvironmentError(
        `"${path}" cannot be reached by the user "${user.name}", who runs the server because root must not: ` +
          `"${folder}" is closed to others. ${remedy}`,
      );
    }
    if (dirname(folder) === folder) return;
  }
}
