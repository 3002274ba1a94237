/** The head of an archive of pg_dump: https://github.com/postgres/postgres/blob/master/src/bin/pg_dump/pg_backup_archiver.c (ReadHead). */

export interface ArchiveHead {
  /** Of the archive's own format: "1.14". */
  readonly version: string;
  readonly format: 'custom' | 'tar' | 'directory' | 'other';
  /** Of the server that was dumped: "15.18 (Debian 15.18-0+deb12u1)"; null when it cannot be read. */
  readonly serverVersion: string | null;
  readonly dumpVersion: string | null;
}

export const MAGIC = Buffer.from('PGDMP');

const FORMATS: Readonly<Record<number, ArchiveHead['format']>> = { 1: 'custom', 3: 'tar', 5: 'directory' };
/** Since this one compression is one byte; before, it was an integer (K_VERS_1_15). */
const COMPRESSION_BYTE_SINCE = 15;
const TIME_FIELDS = 7;

/** Null when these are not the first bytes of an archive. */
export function readArchiveHead(head: Buffer): ArchiveHead | null {
  if (head.length < 11 || !head.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const [major = 0, minor = 0, , integerBytes = 0, , format = 0] = head.subarray(MAGIC.length);
  let at = MAGIC.length + 6;
  const readInteger = (): number | null => {
    if (at + 1 + integerBytes > head.length || integerBytes === 0 || integerBytes > 6) return null;
    const value = head.readUIntLE(at + 1, integerBytes);
    const negative = head[at] === 1;
    at += 1 + integerBytes;
    return negative ? -value : value;
  };
  const readText = (): string | null => {
    const length = readInteger();
    if (length === null || length < 0 || at + length > head.length) return null;
    at += length;
    return head.toString('utf8', at - length, at);
  };
  if (minor >= COMPRESSION_BYTE_SINCE) at += 1;
  else readInteger();
  for (let field = 0; field < TIME_FIELDS; field += 1) readInteger();
  readText(); // the name of the database
  const serverVersion = readText();
  return {
    version: `${major}.${minor}`,
    format: FORMATS[format] ?? 'other',
    serverVersion,
    dumpVersion: readText(),
  };
}
