/** The dump as it lies there: a folder, or a file with its compression. */
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { DumpFile } from '../engines/engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';

export interface DumpSource extends DumpFile {
  readonly compression: Compression;
  /** As it lies there. */
  readonly bytes: number;
  /** Bytes without the compression of the file; null when it does not tell. */
  readonly plainBytes: number | null;
}

export type Compression = 'none' | 'gzip' | 'zstd';

/** Enough for the head of every dump, and for the extensions that one of SQL text makes before its tables. */
const HEAD_BYTES = 256 * 1024;
const CHUNK_BYTES = 256 * 1024;
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** gzip stores the size in four bytes; a larger file tells the rest of a division. */
const GZIP_SIZE_LIMIT = 2 ** 32;
/** No text is compressed better by gzip (RFC 1951); whatever tells more is a size that wrapped around or damage. */
const GZIP_MAX_RATIO = 1032;

/** UsageError when it cannot be read or is empty. */
export async function openSource(path: string, markers: readonly string[]): Promise<DumpSource> {
  const status = await stat(path).catch((cause: unknown) => {
    throw new UsageError(`data.restore: "${path}" cannot be read: correct the path`, { cause });
  });
  if (status.isDirectory()) return openFolder(path, markers);
  if (status.size === 0)
    throw new UsageError(`data.restore: "${path}" is empty: make the dump again, or correct the path.`);
  const first = await firstBytes(path);
  const compression = compressionOf(first);
  return {
    path,
    entries: null,
    compression,
    bytes: status.size,
    plainBytes:
      compression === 'none' ? status.size : await plainBytesOf(path, compression, first, status.size),
    head: compression === 'none' ? first : await headOf(path, compression),
  };
}

async function openFolder(path: string, markers: readonly string[]): Promise<DumpSource> {
  const entries = new Map<string, number>();
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isFile()) entries.set(entry.name, (await stat(join(path, entry.name))).size);
  const bytes = [...entries.values()].reduce((sum, size) => sum + size, 0);
  if (bytes === 0)
    throw new UsageError(
      `data.restore: the folder "${path}" holds no files: make the dump again, or correct the path.`,
    );
  const marker = markers.find((name) => entries.has(name));
  const head = marker === undefined ? Buffer.alloc(0) : await firstBytes(join(path, marker));
  return { path, entries, compression: 'none', bytes, plainBytes: null, head };
}

async function firstBytes(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

function compressionOf(head: Buffer): Compression {
  if (head.subarray(0, GZIP.length).equals(GZIP)) return 'gzip';
  if (head.subarray(0, ZSTD.length).equals(ZSTD)) return 'zstd';
  return 'none';
}

async function plainBytesOf(
  path: string,
  compression: Compression,
  first: Buffer,
  bytes: number,
): Promise<number | null> {
  if (compression === 'zstd') return zstdContentBytes(first);
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, Math.max(0, bytes - 4));
  let size = buffer.readUInt32LE(0);
  // Rarely less than a half is gained; a size below that has wrapped around.
  while (size < bytes) size += GZIP_SIZE_LIMIT;
  return size > bytes * GZIP_MAX_RATIO ? null : size;
}

/** Frame_Content_Size: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1 */
export function zstdContentBytes(frame: Buffer): number | null {
  const descriptor = frame[4];
  if (descriptor === undefined || frame.length < 18) return null;
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  switch (descriptor >> 6) {
    case 0:
      return single ? frame.readUInt8(at) : null;
    case 1:
      return frame.readUInt16LE(at) + 256;
    case 2:
      return frame.readUInt32LE(at);
    default:
      return Number(frame.readBigUInt64LE(at));
  }
}

async function headOf(path: string, compression: Compression): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of readPlain({ path, compression }, () => undefined, new AbortController().signal)) {
    parts.push(chunk);
    size += chunk.length;
    if (size >= HEAD_BYTES) break;
  }
  return Buffer.concat(parts);
}

/**
 * The bytes of a file without its compression; `onRead` is told how many of the file itself were read. EnvironmentError
 * when the compressed data end too early or are damaged.
 */
export async function* readPlain(
  { path, compression }: Pick<DumpSource, 'path' | 'compression'>,
  onRead: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES, signal });
  let read = 0;
  file.on('data', (chunk) => {
    read += chunk.length;
    onRead(read);
  });
  const decompressor =
    compression === 'gzip'
      ? createGunzip({ chunkSize: CHUNK_BYTES })
      : compression === 'zstd'
        ? createZstdDecompress({ chunkSize: CHUNK_BYTES })
        : null;
  if (decompressor !== null) {
    file.on('error', (error) => decompressor.destroy(error));
    file.pipe(decompressor);
  }
  try {
    for await (const chunk of decompressor ?? file) yield chunk as Buffer;
  } catch (cause) {
    signal.throwIfAborted();
    if (decompressor === null || !isDamage(cause))
      throw new EnvironmentError(`the dump "${path}" cannot be read`, { cause });
    throw new EnvironmentError(
      `the dump "${basename(path)}" is cut short or damaged: its ${compression} data end too early or make no sense ` +
        `(${cause instanceof Error ? cause.message : String(cause)}). Make it again, or copy it again.`,
      { cause },
    );
  } finally {
    file.destroy();
    decompressor?.destroy();
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_|ERR_ZLIB)/.test(String(error.code));
}
