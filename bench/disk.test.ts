/** The peak of the disk against `du`, on a table of 60 MB. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../src/engines/engine.ts';
import { startTestServer, type TestServer } from '../tests/server.ts';
import { peaksOf } from './disk/peaks.ts';
import { fillProbe, STATEMENTS } from './disk/postgres.ts';

const ROWS = 60_000;

let server: TestServer;
let migrator: Session;

beforeAll(async () => {
  server = await startTestServer();
  migrator = await server.connect('migrator');
  await fillProbe(migrator, ROWS);
});

afterAll(async () => {
  await migrator[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

test.each(STATEMENTS)('$name: the peak of the sum is what du sees', async ({ text }) => {
  const { record, duBytes, duReadings, observedBytes } = await peaksOf(server, migrator, text);
  expect(duReadings).toBeGreaterThan(0);
  expect(Math.abs(observedBytes / duBytes - 1)).toBeLessThan(0.05);
  expect(observedBytes).toBeGreaterThan(ROWS * 1000);
  expect(record.samples.length).toBeGreaterThan(1);
});
