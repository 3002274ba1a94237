/** Parts of an embedded server that the first one and its replica have in common: folders, process, readiness. */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError } from '../errors.ts';
import type { Cleanup } from './cleanup.ts';
import { scratchDirectory } from './directories.ts';
import type { Running } from './embedded-data.ts';
import type { HeldNote } from './notes.ts';
import { START_LIMIT_MS, waitUntilReady } from './readiness.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { requireReachable, type ServerUser } from './server-user.ts';

/** A socket path has at most 108 bytes with its end mark on Linux and 104 on macOS; the name and a lock come on top. */
const SOCKET_DIRECTORY_BYTES_MAX = 80;
/** There on every system with Unix sockets. */
const SHORT_FOLDER = '/tmp';

/** The folder of a server and that of its socket, noted before they are made. */
export async function makeFolders(note: HeldNote, cleanup: Cleanup, user: ServerUser | null) {
  const name = `rehearse-${randomBytes(6).toString('hex')}`;
  const directory = join(await scratchDirectory(), name);
  const inside = join(directory, 'socket');
  const isShort = Buffer.byteLength(inside) <= SOCKET_DIRECTORY_BYTES_MAX;
  const socketDirectory = isShort ? inside : join(SHORT_FOLDER, `${name}-socket`);

  await note.update({ directories: isShort ? [directory] : [directory, socketDirectory] });
  for (const path of [directory, socketDirectory]) {
    // Processes of a server that was killed may still be writing their last files.
    cleanup.add(() => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    await mkdir(path, { mode: 0o700 });
    if (user !== null) await chown(path, user.uid, user.gid);
  }
  await requireReachable(user, directory, 'Set REHEARSE_TMP to a folder that others can enter.');
  return { directory, socketDirectory };
}

export async function launch({ request, installation, layout, user, directory, logFile, note }: Running) {
  const { stopSignal } = request.engine.recipe.embedded;
  const server = await startServerProcess({
    command: request.engine.recipe.embedded.start(installation, layout),
    user,
    directory,
    logFile,
    stopSignal,
    onUnexpectedEnd: (how) => request.say(`the server process ended by itself (${how})`),
  });
  await note.update({ process: { ...server.identity, stopSignal } });
  return server;
}

export function waitForServer(running: Running, server: ServerProcess): Promise<string> {
  const { request, installation, layout, signal } = running;
  return waitUntilReady({
    engine: request.engine,
    flavor: request.database.flavor,
    target: request.engine.recipe.embedded.administrator(layout),
    requireAlive: async () => {
      if (server.ended === null) return;
      throw new EnvironmentError(
        `${installation.description} did not start (${server.ended}). Its log says:\n${await server.logTail()}`,
      );
    },
    limitMs: START_LIMIT_MS,
    signal,
  });
}
