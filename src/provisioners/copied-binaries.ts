/** A private copy of a server's binaries: readable by the server's user, with the links that the package lacks. */
import { constants } from 'node:fs';
import {
  access,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { Installation, InstallationLink } from '../engines/engine.ts';

/** Returns the installation as it is to be run: the given one, or its copy below the cache directory. */
export async function runnableInstallation(
  installation: Installation,
  cacheDirectory: string,
): Promise<Installation> {
  const { copy, root, binDirectory } = installation;
  if (copy === null) return installation;
  const servers = join(cacheDirectory, 'servers');
  const target = join(servers, copy.name);
  const moved = {
    ...installation,
    root: target,
    binDirectory: join(target, relative(root, binDirectory)),
    copy: null,
  };
  if (await exists(target)) return moved;

  await mkdir(servers, { recursive: true, mode: 0o755 });
  const unfinished = await mkdtemp(join(servers, '.copying-'));
  try {
    await copyTree(root, unfinished);
    await makeLinks(unfinished, copy.links);
    await rename(unfinished, target).catch(async (error) => {
      if (!(await exists(target))) throw error; // another rehearsal was quicker
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return moved;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Copies by reference where the file system can; everything becomes readable, whatever umask npm ran with. */
async function copyTree(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  await chmod(target, 0o755);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) await copyTree(from, to);
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else {
      await copyFile(from, to, constants.COPYFILE_FICLONE);
      const executable = ((await stat(from)).mode & 0o100) !== 0;
      await chmod(to, executable ? 0o755 : 0o644);
    }
  }
}

async function makeLinks(root: string, links: readonly InstallationLink[]): Promise<void> {
  for (const link of links) {
    const path = resolve(root, link.path);
    if (await exists(path)) continue;
    await symlink(relative(dirname(path), resolve(root, link.target)), path);
  }
}
