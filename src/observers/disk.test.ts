/** The disk observer on a real server, held against what du finds. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failedStatement, type Observed, startObserved, stepOf, until } from '../../tests/observed.ts';
import type { TestServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';
import { isMeasured } from '../recording/figure.ts';
import type { DiskReading, StatementRecord } from '../recording/recording.ts';
import { sumBytes } from './disk-samples.ts';

let observed: Observed;
let started: TestServer;
let migrator: Session;
let observe: Observed['observe'];

beforeAll(async () => {
  observed = await startObserved();
  ({ started, migrator, observe } = observed);
});

afterAll(() => observed[Symbol.asyncDispose]());

test('the disk grows while a table is rewritten, and its areas add up to what du finds', async () => {
  const recording = await observe(async ({ recorder, observers }) => {
    await observers.beforeSteps();
    await migrator.execute('begin');
    await migrator.execute('alter table orders alter column total type numeric using total + 0.5');
    // Readings come less often on a busy machine, and one has to see both files.
    await until(recorder, recorder.now() + 1500);
    await migrator.execute('commit');
    await observers.afterStep(stepOf());
  });
  const { disk } = recording;
  if ('notMeasured' in disk) throw new Error(disk.notMeasured);
  const tables = (reading: DiskReading): number => reading.areas.tables ?? 0;
  expect(sumBytes(disk.peak)).toBeGreaterThanOrEqual(sumBytes(disk.after));
  expect(sumBytes(disk.peak)).toBeGreaterThanOrEqual(sumBytes(disk.before));
  const orders = disk.relations.find(({ relation }) => relation === 'orders');
  expect(orders?.kind).toBe('table');
  // The old and the new file are both there before the commit.
  expect(tables(disk.peak) - tables(disk.before)).toBeGreaterThan((orders?.beforeBytes ?? 0) / 2);
  expect(disk.relations.find(({ relation }) => relation === 'orders_pkey')?.kind).toBe('index');
  expect(isMeasured(disk.logWrittenBytes) && disk.logWrittenBytes.lower).toBeGreaterThan(
    orders?.beforeBytes ?? 0,
  );
  expect(recording.changes[0]).toMatchObject({ relation: 'orders', algorithm: 'rewrite' });
  const found = await bytesOnDisk();
  expect(Math.abs(sumBytes(disk.after) - found)).toBeLessThan(found * 0.05);
});

test('growth belongs to the statement whose file it is', async () => {
  const recording = await observe(async ({ recorder, observers }) => {
    const ran = async (index: number, text: string): Promise<StatementRecord> => {
      const startedAtMs = recorder.now();
      await migrator.execute(text);
      const failed = failedStatement(migrator, {
        startedAtMs: startedAtMs,
        endedAtMs: recorder.now(),
        code: '',
      });
      return {
        ...failed,
        id: `1#1.${index}`,
        index,
        text,
        outcome: 'ok',
        effect: 'took effect',
        error: null,
      };
    };
    await observers.beforeSteps();
    await migrator.execute('begin');
    const rewritten = await ran(0, 'alter table orders alter column total type bigint');
    const built = await ran(1, 'create index orders_total on orders (total, note)');
    await migrator.execute('commit');
    const step = stepOf(rewritten, built);
    recorder.setStep(step);
    await observers.afterStep(step);
  });
  const { disk } = recording;
  if ('notMeasured' in disk || disk.growth === undefined) throw new Error('the growth was not measured');
  const bytesOf = (relation: string) =>
    disk.relations.find((each) => each.relation === relation)?.afterBytes ?? 0;
  const grewBy = (statementId: string, relation: string) =>
    disk.growth?.find((each) => each.statementId === statementId && each.relation === relation);
  for (const [statementId, relation, kind] of [
    ['1#1.0', 'orders', 'table'],
    ['1#1.1', 'orders_total', 'index'],
  ] as const) {
    const found = grewBy(statementId, relation);
    expect(found).toMatchObject({ kind, newFile: true });
    expect(found !== undefined && isMeasured(found.grewBytes) && found.grewBytes.upper).toBeGreaterThan(
      bytesOf(relation) * 0.95,
    );
  }
  // The first reading after its end may have seen the next statement's file: at most so much, and at least nothing.
  const early = grewBy('1#1.0', 'orders_total');
  expect(early === undefined || (isMeasured(early.grewBytes) && early.grewBytes.lower === 0)).toBe(true);
});

/** Independent of our own walk. */
async function bytesOnDisk(): Promise<number> {
  if ('missing' in started.server.dataDirectory) throw new Error(started.server.dataDirectory.missing);
  const found = await promisify(execFile)(
    'find',
    [started.server.dataDirectory.path, '-type', 'f', '-printf', '%b\n'],
    {
      maxBuffer: 2 ** 26,
    },
  );
  return found.stdout.split('\n').reduce((sum, blocks) => sum + Number(blocks) * 512, 0);
}
