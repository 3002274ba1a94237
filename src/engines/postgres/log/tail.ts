/**
 * The growing log file: read through the file system where this process can, else through the server itself.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-GENFILE
 */
import { type FileHandle, open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { Session } from '../../engine.ts';
import type { LogFormat } from './record.ts';

export interface LogTail extends AsyncDisposable {
  readonly format: LogFormat;
  /** What was written since the last call, from the opening on. */
  read(): Promise<string>;
}

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
  const file = current?.file ?? null;
  if (file === null) return { missing: 'the server names no current log file' };
  const handle = dataDirectory === null || isAbsolute(file) ? null : await opened(join(dataDirectory, file));
  const piece = handle === null ? bySql(session, file) : byFile(handle);
  const [size] = await session.query<{ bytes: string }>(
    'select size::text as bytes from pg_catalog.pg_stat_file($1)',
    [file],
  );
  let offset = Number(size?.bytes ?? 0);
  const decoder = new StringDecoder('utf8');
  return {
    format,
    async read() {
      let text = '';
      for (;;) {
        const bytes = await piece(offset);
        offset += bytes.length;
        text += decoder.write(bytes);
        if (bytes.length < PIECE_BYTES) return text;
      }
    },
    [Symbol.asyncDispose]: async () => handle?.close(),
  };
}

async function opened(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch {
    return null; // the server reads it for us
  }
}

type ReadPiece = (offset: number) => Promise<Buffer>;

function byFile(handle: FileHandle): ReadPiece {
  const buffer = Buffer.alloc(PIECE_BYTES);
  return async (offset) => {
    const { bytesRead } = await handle.read(buffer, 0, PIECE_BYTES, offset);
    return Buffer.from(buffer.subarray(0, bytesRead));
  };
}

function bySql(session: Session, file: string): ReadPiece {
  return async (offset) => {
    const [row] = await session.query<{ bytes: Buffer | null }>(
      'select pg_catalog.pg_read_binary_file($1, $2, $3, true) as bytes',
      [file, offset, PIECE_BYTES],
    );
    return row?.bytes ?? Buffer.alloc(0);
  };
}
