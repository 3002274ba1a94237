/** A second server on a copy of the first one's data directory, in a folder of its own; stopped and removed at the end. */
import { appendFile, chown, copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedLayout, ReplicaFile } from '../engines/engine.ts';
import { createCleanup } from './cleanup.ts';
import { copyToDisk, type Running } from './embedded-data.ts';
import { launch, makeFolders, waitForServer } from './embedded-server.ts';
import { holdNote } from './notes.ts';
import { findFreePort, LOOPBACK } from './ports.ts';
import { REHEARSED_DATABASE } from './profiles.ts';
import type { Following, Server } from './provisioner.ts';
import { refuseOfReplica } from './replica-refusals.ts';
import type { ServerUser } from './server-user.ts';

/** Nothing of it is worth keeping. */
const STOP_LIMIT_MS = 15_000;

export interface Primary {
  readonly running: Running;
  /** Stops the primary cleanly, does the work, starts it again. */
  whileStopped<Result>(work: () => Promise<Result>): Promise<Result>;
}

export async function startEmbeddedReplica(
  { running: primary, whileStopped }: Primary,
  { say, prepare }: Following,
): Promise<Server> {
  const note = await holdNote({});
  const cleanup = createCleanup(() => note.remove());
  try {
    const { directory, socketDirectory } = await makeFolders(note, cleanup, primary.user);
    const layout: EmbeddedLayout = {
      ...primary.layout,
      dataDirectory: join(directory, 'data'),
      socketDirectory,
      port: await findFreePort(),
      settingsFile: join(directory, 'settings.cnf'),
    };
    const request = { ...primary.request, role: 'replica', say } as const;
    const running: Running = {
      ...primary,
      request,
      note,
      directory,
      layout,
      logFile: join(directory, 'server.log'),
    };

    say('copying the data directory for the replica');
    const { dataDirectory } = primary.layout;
    const copied = await whileStopped(() => copyToDisk(dataDirectory, layout.dataDirectory, primary));
    await copyFile(primary.layout.settingsFile, layout.settingsFile);
    const { files, without, settings } = await prepare({ host: LOOPBACK, port: primary.layout.port });
    for (const file of files) await place(file, layout.dataDirectory, primary.user);
    for (const path of without) await rm(join(layout.dataDirectory, path), { force: true });
    await appendFile(layout.settingsFile, settings);

    const server = await launch(running);
    cleanup.add(() => server.stop(STOP_LIMIT_MS));
    return {
      role: 'replica',
      administrator: request.engine.recipe.embedded.administrator(layout),
      version: await waitForServer(running, server),
      description: `${primary.installation.description}, on a copy of the data directory`,
      dataDirectory: { path: layout.dataDirectory },
      programs: { directory: primary.installation.binDirectory },
      database: REHEARSED_DATABASE,
      forked: copied,
      ...refuseOfReplica,
      [Symbol.asyncDispose]: () => cleanup.run(),
    };
  } catch (error) {
    throw await cleanup.after(error);
  }
}

async function place({ path, text, append }: ReplicaFile, directory: string, user: ServerUser | null) {
  const file = join(directory, path);
  await (append ? appendFile : writeFile)(file, text, { mode: 0o600 });
  if (user !== null) await chown(file, user.uid, user.gid);
}
