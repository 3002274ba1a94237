/**
 * The growing log file: read through the file system where this process can, else through the server itself.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-GENFILE
 */
import { open, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join } from 'node:path';
import type { Session } from '../../engine.ts';
import type { LogFormat } from './record.ts';

export interface LogTail extends AsyncDisposable {
  readonly format: LogFormat;
  /**
   * Hands over what was written since the last call, from the opening on, in pieces that may be cut anywhere. Of several
   * files one comes after the other, whichever was written first.
   */
  read(take: TakeBytes): Promise<void>;
  /** Why something of the log was gone before it could be read; empty when nothing was. */
  readonly lost: readonly string[];
}

export type TakeBytes = (bytes: Uint8Array, file: string) => void;

const PIECE_BYTES = 2 ** 20;

/** Where the file is, in words of the server: relative to its data directory, or absolute. */
const CURRENT_FILE: Readonly<Record<LogFormat, string>> = {
  jsonlog: "select pg_catalog.pg_current_logfile('jsonlog') as file",
  csvlog: "select pg_catalog.pg_current_logfile('csvlog') as file",
};

const SETTINGS = `
  select current_setting('log_destination') as destination, current_setting('logging_collector') as collector,
    current_setting('log_timezone') as timezone, current_setting('is_superuser') as superuser`;

/** Opens the log at its present end; or says why there is none that can be read. */
export async function openLogTail(
  session: Session,
  dataDirectory: string | null,
): Promise<LogTail | { readonly missing: string }> {
  const [set] =
    await session.query<Record<'destination' | 'collector' | 'timezone' | 'superuser', string>>(SETTINGS);
  if (set?.superuser !== 'on') return { missing: 'reading the server log takes a superuser' };
  const format = (['jsonlog', 'csvlog'] as const).find((each) => set.destination.includes(each));
  if (format === undefined || set.collector !== 'on')
    return {
      missing:
        'the server writes no log for programs: logging_collector = on and log_destination = jsonlog (csvlog before 15)',
    };
  if (!/^(utc|gmt|etc\/utc)$/i.test(set.timezone))
    return { missing: `the times in the server log are in ${set.timezone}: log_timezone = UTC` };
  const [current] = await session.query<{ file: string | null }>(CURRENT_FILE[format]);
  if (current?.file == null) return { missing: 'the server names no current log file' };
  return tailOf({ session, dataDirectory, format, file: current.file });
}

interface TailRequest {
  readonly session: Session;
  readonly dataDirectory: string | null;
  readonly format: LogFormat;
  /** The one that is written now. */
  readonly file: string;
}

/** A file that is read on; how far, is kept for all files. */
interface OpenFile extends AsyncDisposable {
  readonly name: string;
  piece(offset: number): Promise<Buffer>;
  /** True: another file has its name now, and all that is written into this one can still be read. */
  isReplaced(): Promise<boolean>;
}

async function tailOf({ session, dataDirectory, format, file }: TailRequest): Promise<LogTail> {
  const offsets = new Map((await filesOf(session, file)).map(({ name, bytes }) => [name, bytes] as const));
  const lost: string[] = [];
  const openFile = (name: string): Promise<OpenFile> => opened(session, dataDirectory, name);
  let current = await openFile(file);

  async function drain(from: OpenFile, take: TakeBytes): Promise<void> {
    for (;;) {
      const offset = offsets.get(from.name) ?? 0;
      const bytes = await from.piece(offset);
      offsets.set(from.name, offset + bytes.length);
      if (bytes.length > 0) take(bytes, from.name);
      if (bytes.length < PIECE_BYTES) return;
    }
  }

  return {
    format,
    lost,
    async read(take) {
      await drain(current, take);
      const [now] = await session.query<{ file: string | null }>(CURRENT_FILE[format]);
      const name = now?.file ?? current.name;
      const files = await filesOf(session, name);
      const replaced = await current.isReplaced();
      const bytes = files.find((each) => each.name === current.name)?.bytes ?? Number.POSITIVE_INFINITY;
      if (!replaced && bytes < (offsets.get(current.name) ?? 0)) {
        lost.push(`${current.name} was cut off while it was read`);
        offsets.set(current.name, 0);
      }
      // What was written between the last piece and a change of files.
      await drain(current, take);
      if (replaced) offsets.set(current.name, 0);
      for (const each of files) {
        if (each.name === name || each.name === current.name || each.bytes <= (offsets.get(each.name) ?? 0))
          continue;
        await using other = await openFile(each.name);
        await drain(other, take);
      }
      if (name === current.name && !replaced) return;
      await current[Symbol.asyncDispose]();
      current = await openFile(name);
      await drain(current, take);
    },
    [Symbol.asyncDispose]: () => current[Symbol.asyncDispose](),
  };
}

/** https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-GENFILE */
const LOG_FILES = `
  select name, size::text as bytes
  from pg_catalog.pg_ls_logdir()
  order by modification, name`;

/** The files beside one of them that have its ending, the oldest first. */
async function filesOf(
  session: Session,
  file: string,
): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  const folder = dirname(file);
  const files = await session.query<{ name: string; bytes: string }>(LOG_FILES);
  return files
    .filter(({ name }) => extname(name) === extname(file))
    .map(({ name, bytes }) => ({ name: join(folder, name), bytes: Number(bytes) }));
}

async function opened(session: Session, dataDirectory: string | null, name: string): Promise<OpenFile> {
  if (dataDirectory === null || isAbsolute(name)) return bySql(session, name);
  const path = join(dataDirectory, name);
  try {
    return await byFile(name, path);
  } catch {
    return bySql(session, name); // the server reads it for us
  }
}

async function byFile(name: string, path: string): Promise<OpenFile> {
  const handle = await open(path, 'r');
  const { ino } = await handle.stat();
  const buffer = Buffer.alloc(PIECE_BYTES);
  return {
    name,
    async piece(offset) {
      const { bytesRead } = await handle.read(buffer, 0, PIECE_BYTES, offset);
      return Buffer.from(buffer.subarray(0, bytesRead));
    },
    isReplaced: () =>
      stat(path).then(
        (now) => now.ino !== ino,
        () => false,
      ),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function bySql(session: Session, name: string): OpenFile {
  return {
    name,
    async piece(offset) {
      const [row] = await session.query<{ bytes: Buffer | null }>(
        'select pg_catalog.pg_read_binary_file($1, $2, $3, true) as bytes',
        [name, offset, PIECE_BYTES],
      );
      return row?.bytes ?? Buffer.alloc(0);
    },
    isReplaced: async () => false,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
