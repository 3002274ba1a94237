/** Places in the binary log of a server as bytes from where its oldest file began when it was read first. */
import type { Session } from '../../engine.ts';

export interface BinaryLog {
  /** Null for a file that the server does not list. */
  bytesAt(file: string, position: number): Promise<number | null>;
}

/** https://dev.mysql.com/doc/refman/8.4/en/show-binary-logs.html; read when a file is met for the first time. */
export function openBinaryLog(primary: Session): BinaryLog {
  /** Bytes before each file. */
  const before = new Map<string, number>();

  async function read(): Promise<void> {
    const files = await primary.query<{ Log_name: string; File_size: number | string }>('show binary logs');
    let bytes = before.get(files[0]?.Log_name ?? '') ?? 0;
    for (const { Log_name: name, File_size: size } of files) {
      before.set(name, bytes);
      bytes += Number(size);
    }
  }

  return {
    async bytesAt(file, position) {
      if (!before.has(file)) await read();
      const start = before.get(file);
      return start === undefined ? null : start + position;
    },
  };
}
