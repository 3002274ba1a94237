/** The pool model against node-postgres's own pool, on the same server and the same list of arrivals. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, startBareServer } from '../../../tests/server.ts';
import type { ConnectionTarget } from '../../engines/engine.ts';
import { findEngine } from '../../engines/index.ts';
import { createInstants } from '../arrivals/arrivals.ts';
import type { Operation } from '../load.ts';
import { createStampRecorder } from '../stamps/stamps.ts';
import { createApplication } from './application.ts';

const engine = findEngine('postgres');
const POOL = { size: 4, instances: 1, checkoutTimeoutMs: 150, maxQueue: 100_000 };
const STATEMENT = 'select pg_sleep(0.02)';
/** Twice what four connections of 20 ms each can serve, so that every second operation gives up. */
const ARRIVALS = { ratePerSecond: 400, arrivals: 'poisson' } as const;
const COUNT = 800;
let server: BareServer;

beforeAll(async () => {
  server = await startBareServer();
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

/** Calls `arrive` for each arrival of the list when it is due. */
async function drive(arrive: () => Promise<void>): Promise<void> {
  const instants = createInstants(ARRIVALS, 5);
  const startMs = performance.now();
  const all: Promise<void>[] = [];
  for (let dueMs = instants(); all.length < COUNT; ) {
    while (dueMs <= performance.now() - startMs && all.length < COUNT) {
      all.push(arrive());
      dueMs = instants();
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(all);
}

async function timeoutsOfDriver(target: ConnectionTarget): Promise<number> {
  const pool = new pg.Pool({
    host: target.socket ?? target.host,
    port: target.port,
    user: target.user,
    password: target.password,
    database: target.database,
    max: POOL.size,
    connectionTimeoutMillis: POOL.checkoutTimeoutMs,
  });
  try {
    await Promise.all(Array.from({ length: POOL.size }, () => pool.query(STATEMENT)));
    let timeouts = 0;
    await drive(async () => {
      try {
        await pool.query(STATEMENT);
      } catch (error) {
        expect(String(error)).toContain('timeout exceeded when trying to connect');
        timeouts += 1;
      }
    });
    return timeouts;
  } finally {
    await pool.end();
  }
}

async function timeoutsOfModel(target: ConnectionTarget): Promise<number> {
  const stamps = createStampRecorder();
  const application = createApplication({
    pool: POOL,
    stamps,
    now: () => performance.now(),
    redact: (message) => message,
    connect: (onLost) =>
      engine.connections.connectLoad(target, {
        applicationName: 'rehearse load',
        statementTimeoutMs: null,
        protocol: 'prepared',
        onLost,
      }),
  });
  const operation: Operation = {
    record: {
      name: 'sleep',
      statements: [STATEMENT],
      weight: 1,
      kind: 'read',
      tables: [],
      codeVersion: 'running',
    },
    transaction: false,
    statements: [{ name: 'sleep', text: STATEMENT, written: STATEMENT, references: [], parameters: [] }],
  };
  await application.open();
  try {
    stamps.open('baseline', performance.now());
    let number = 0;
    await drive(async () => {
      const atMs = performance.now();
      application.dispatch({ operation, values: [[]], stamps: stamps.due(0, atMs, atMs) }, number);
      number += 1;
    });
    while (stamps.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { tallies } = stamps.finish(performance.now(), ['sleep']);
    expect(tallies[0]?.outcomes.map(({ outcome }) => outcome)).toEqual(['pool timeout']);
    return tallies[0]?.window.failed ?? 0;
  } finally {
    await application.close();
  }
}

test('as many operations give up waiting for a connection as with the pool of the driver', async () => {
  await using session = await server.session();
  const driver = await timeoutsOfDriver(session.target);
  const model = await timeoutsOfModel(session.target);
  expect(driver).toBeGreaterThan(COUNT / 4);
  // A busy machine serves a few more or less each time; a pool with other rules is off by far more.
  expect(Math.abs(model - driver) / driver).toBeLessThan(0.1);
}, 30_000);
