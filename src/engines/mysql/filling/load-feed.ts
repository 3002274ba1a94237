/** The rows of a bulk load as the chunks that one LOAD DATA after the other takes. */
import { EnvironmentError } from '../../../errors.ts';
import type { BulkLoadRequest, CellValue, NumberedRows, TableDescription } from '../../engine.ts';
import { cellWriter } from './load-cells.ts';
import { createLines, endCell, endRow, formOf, type Lines, takeLines, writeRow } from './load-lines.ts';

/** Larger ones gained nothing, smaller ones cost an event each. */
const CHUNK_BYTES = 64 * 1024;
/** One statement is one transaction: this bounds its undo, and how late a wrong value is told. */
const BATCH_BYTES = 32 * 1024 * 1024;

export interface Feed {
  limitRows(bytesMax: number): void;
  /** Leaves the first rows out, as if they had been handed out already; before the first batch. */
  skip(rows: number): void;
  /** Lines of the next statement. */
  batch(): Generator<Buffer, void>;
  /** Rows handed out so far. */
  count(): number;
  /** Their bytes. */
  bytes(): number;
  isDone(): boolean;
  /** What the generator of the rows threw. */
  failure(): unknown;
}

export function createFeed(request: BulkLoadRequest): Feed {
  const { table, signal, onProgress } = request;
  const source = request.numbered === undefined ? textRows(request) : numberedRows(request, request.numbered);
  const lines = createLines(CHUNK_BYTES);
  let bytesMax = Number.POSITIVE_INFINITY;
  let count = 0;
  let bytes = 0;
  let done = false;
  let failure: unknown = null;
  const addRow = (): boolean => {
    const before = lines.at;
    if (!source.write(lines)) return false;
    count += 1;
    // Bytes are twice as long in a line.
    const taken = lines.at - before > bytesMax ? bytesOf(source.last()) : 0;
    if (taken > bytesMax) throw rowTooLarge(table, { row: count, bytes: taken, bytesMax });
    return true;
  };
  const fillChunk = (): Buffer => {
    try {
      signal.throwIfAborted();
      while (!done && lines.at < CHUNK_BYTES) done = !addRow();
      return takeLines(lines, CHUNK_BYTES);
    } catch (error) {
      failure = error;
      done = true;
      throw error;
    }
  };
  return {
    limitRows: (most) => {
      bytesMax = most;
    },
    skip: (rows) => {
      source.skip(rows);
      count = rows;
    },
    *batch() {
      const end = bytes + BATCH_BYTES;
      while (!done && bytes < end) {
        for (const packet of packets(fillChunk(), bytesMax)) {
          bytes += packet.length;
          yield packet;
        }
        onProgress(count, bytes);
      }
    },
    count: () => count,
    bytes: () => bytes,
    isDone: () => done,
    failure: () => failure,
  };
}

/** Each piece is a packet of its own, for which the server has a limit. */
function* packets(chunk: Buffer, bytesMax: number): Generator<Buffer, void> {
  const most = Math.min(2 * CHUNK_BYTES, bytesMax);
  for (let at = 0; at < chunk.length; at += most) yield chunk.subarray(at, at + most);
}

interface RowSource {
  /** Writes the next row; false when there is none. */
  write(lines: Lines): boolean;
  /** Passes over the next rows. */
  skip(rows: number): void;
  /** Cells of the row that was written last. */
  last(): readonly CellValue[];
}

function typesOf({ table, columns }: BulkLoadRequest) {
  return columns.map((name) => table.columns.find((column) => column.name === name)?.type);
}

function textRows(request: BulkLoadRequest): RowSource {
  const iterator = request.rows[Symbol.iterator]();
  const forms = typesOf(request).map(formOf);
  let row: readonly CellValue[] = [];
  return {
    write: (lines) => {
      const next = iterator.next();
      if (next.done === true) return false;
      row = next.value;
      writeRow(lines, row, forms);
      return true;
    },
    skip: (rows) => {
      for (let left = rows; left > 0 && iterator.next().done !== true; left -= 1);
    },
    last: () => row,
  };
}

function numberedRows(request: BulkLoadRequest, { ranges, cells }: NumberedRows): RowSource {
  const iterator = ranges[Symbol.iterator]();
  const types = typesOf(request);
  const writers = cells.map((cell, index) => cellWriter(cell, types[index]));
  let row = 0;
  let end = 0;
  /** False behind the last range. */
  const advance = (): boolean => {
    while (row >= end) {
      const next = iterator.next();
      if (next.done === true) return false;
      [row, end] = next.value;
    }
    return true;
  };
  return {
    skip: (rows) => {
      for (let left = rows; left > 0 && advance(); ) {
        const passed = Math.min(left, end - row);
        row += passed;
        left -= passed;
      }
    },
    write: (lines) => {
      if (!advance()) return false;
      for (let index = 0; index < writers.length; index += 1) writers[index]?.(lines, row);
      if (writers.length === 0) endCell(lines);
      endRow(lines);
      row += 1;
      return true;
    },
    last: () => cells.map(({ text }) => text(row - 1)),
  };
}

function bytesOf(row: readonly CellValue[]): number {
  return row.reduce((sum, value) => sum + (value === null ? 0 : Buffer.byteLength(value)), 0);
}

interface LargeRow {
  readonly row: number;
  readonly bytes: number;
  readonly bytesMax: number;
}

function rowTooLarge(table: TableDescription, { row, bytes, bytesMax }: LargeRow): EnvironmentError {
  return new EnvironmentError(
    `row ${row} of table "${table.name}" is too large for the server: it has ${bytes} bytes, and max_allowed_packet is ` +
      `${bytesMax}. Raise max_allowed_packet under database.settings, or make the values smaller.`,
  );
}
