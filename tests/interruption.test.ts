/**
 * Ctrl-C and SIGTERM in each phase: the load stops, the recording so far is kept with the phase in it, the server is
 * gone, and the exit code is 130. Signals are sent when the progress on stderr says that the phase has begun.
 */
import { expect, test } from 'vitest';
import { SMALL_PROJECT, SMALL_SCHEMA, scenarioWith } from './sandbox.ts';
import { type Interruption, runInterrupted } from './troubles.ts';

const LONG_LOAD = { rate: '50/s', pool: { size: 4 }, warmUp: '200ms', baseline: '1s', recovery: '1s' };

const interruptions: readonly Interruption[] = [
  {
    phase: 'provision',
    moment: 'while the server is started',
    files: {},
    after: /^ {2}provision starting/m,
    signal: 'SIGINT',
  },
  {
    phase: 'fill',
    moment: 'while a statement of the schema runs',
    files: { 'schema.sql': `${SMALL_SCHEMA}select pg_sleep(600);\n` },
    after: /^ {2}fill +applying/m,
    signal: 'SIGTERM',
  },
  {
    phase: 'fill',
    moment: 'while rows are filled in',
    files: {
      'rehearsal.yaml': scenarioWith({
        data: { tables: { customers: { rows: 50 }, orders: { rows: '50M' } } },
      }),
    },
    after: /^ {2}fill +filling/m,
    signal: 'SIGINT',
  },
  {
    phase: 'settle',
    moment: 'while the server settles',
    files: {},
    after: /^ {2}settle/m,
    signal: 'SIGINT',
  },
  {
    phase: 'warm-up',
    moment: 'while the load warms up',
    files: { 'rehearsal.yaml': scenarioWith({ load: { ...LONG_LOAD, warmUp: '600s' } }) },
    after: /^ {2}warm-up +load of/m,
    signal: 'SIGTERM',
    recorded: (recording) => expect(recording.load).toHaveProperty('arrivalsHash'),
  },
  {
    phase: 'baseline',
    moment: 'in the baseline',
    files: { 'rehearsal.yaml': scenarioWith({ load: { ...LONG_LOAD, baseline: '600s' } }) },
    after: /^ {2}baseline/m,
    signal: 'SIGINT',
    recorded: (recording) => expect(recording.windows.map(({ name }) => name)).toEqual(['baseline']),
  },
  {
    phase: 'baseline',
    moment: 'while a replica follows and is read',
    files: {
      'workload.sql': '-- name: look  replica\nselect total from orders where id = $1;\n',
      'rehearsal.yaml': scenarioWith({
        database: { replica: true },
        load: { ...LONG_LOAD, operations: 'workload.sql', baseline: '600s' },
      }),
    },
    after: /^ {2}baseline/m,
    signal: 'SIGINT',
    recorded: (recording) => {
      expect(recording.servers.map(({ role }) => role)).toEqual(['rehearsal', 'replica']);
      expect(recording.load).toMatchObject({ operations: [{ name: 'look', server: 'replica' }] });
    },
  },
  {
    phase: 'migration',
    moment: 'while the migration is blocked behind a long reader',
    files: {
      'rehearsal.yaml': scenarioWith({
        drills: [{ longReader: { table: 'orders', at: '-1s', for: '600s' } }],
      }),
    },
    after: /^ {2}migration +alter table orders/m,
    signal: 'SIGINT',
    recorded: (recording) => {
      expect(recording.steps).toMatchObject([{ file: '1_note.sql', outcome: 'failed' }]);
      expect(recording.windows.map(({ name }) => name)).toEqual(['baseline', 'migration']);
    },
  },
  {
    phase: 'recovery',
    moment: 'in the recovery',
    files: {
      'rehearsal.yaml': scenarioWith({
        load: { ...LONG_LOAD, recovery: '600s' },
        drills: [{ longReader: { table: 'orders', at: '2s', for: '600s' } }],
      }),
    },
    after: /^ {2}recovery/m,
    signal: 'SIGTERM',
    recorded: (recording) => {
      expect(recording.steps).toMatchObject([{ file: '1_note.sql', outcome: 'applied' }]);
      expect(recording.windows.map(({ name }) => name)).toEqual(['baseline', 'migration', 'recovery']);
    },
  },
  {
    phase: 'stop',
    moment: 'while the server is stopped',
    files: {},
    after: /^ {2}stop +stopping the server/m,
    signal: 'SIGINT',
    recorded: (recording) => expect(recording.steps).toMatchObject([{ outcome: 'applied' }]),
  },
];

for (const interruption of interruptions) {
  const { signal, moment } = interruption;
  test(`${signal} ${moment}: the recording is kept, the server is gone, exit 130`, async () => {
    await runInterrupted(SMALL_PROJECT, interruption);
  });
}
