import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRecord, recording, response } from '../checks/recording.fixture.ts';
import { EnvironmentError, explain, UsageError } from '../errors.ts';
import { readRecording, writeRecording } from './store.ts';

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rehearse store '));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('what was written is read back, by its file and by its folder', async () => {
  const file = join(directory, 'recording.json');
  await writeRecording(file, recording());
  expect(await readRecording(file)).toEqual(recording());
  expect(await readRecording(directory)).toEqual(recording());
});

test('writing leaves nothing but the recording, and replaces an older one', async () => {
  const file = join(directory, 'recording.json');
  await writeRecording(file, recording({ scenario: 'older' }));
  await writeRecording(file, recording({ scenario: 'newer' }));
  expect(await readdir(directory)).toEqual(['recording.json']);
  expect((await readRecording(file)).scenario).toBe('newer');
});

test('a file that cannot be replaced keeps its content, and no temporary file stays', async () => {
  const blocked = join(directory, 'recording.json', 'in the way');
  await expect(writeRecording(blocked, recording())).rejects.toThrow(EnvironmentError);
  expect(await readdir(directory)).toEqual([]);
});

test('a figure that is no number is stored as not measured', async () => {
  const file = join(directory, 'recording.json');
  const observers = [
    {
      name: 'locks',
      samples: 1,
      intervalMs: 20,
      cpuMs: { lower: Number.NaN, upper: 1, source: 'cpu' },
      trouble: [],
    },
  ];
  await writeRecording(file, recording({ observers }));
  expect((await readRecording(file)).observers[0]?.cpuMs).toEqual({ notMeasured: 'cpu gave no number' });
  expect(await readFile(file, 'utf8')).not.toContain('null,"upper"');
});

test.each([
  ['text that is not JSON', 'not json', 'is not JSON'],
  ['an empty file', '', 'is not JSON'],
  ['JSON of something else', '{"format":"eslint"}', 'is no recording but "eslint"'],
  ['a list', '[]', 'is no recording'],
  [
    'a newer version',
    '{"format":"migration-rehearsal/recording","formatVersion":3}',
    'Install a newer rehearse',
  ],
  ['an older version', '{"format":"migration-rehearsal/recording","formatVersion":0}', 'Rehearse again'],
  [
    'a part that is missing',
    JSON.stringify({ ...recording(), steps: undefined }),
    'is damaged: "steps" should be list',
  ],
])('%s is a usage error with the file and what to do', async (_, text, message) => {
  const file = join(directory, 'other.json');
  await writeFile(file, text);
  const error = await readRecording(file).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(UsageError);
  expect(explain(error)).toContain(`"${file}"`);
  expect(explain(error)).toContain(message);
});

test('a missing file and a folder without a recording are usage errors that name the path', async () => {
  for (const path of [join(directory, 'nothing.json'), directory]) {
    const error = await readRecording(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UsageError);
    expect(explain(error)).toContain('There is no recording to read at');
    expect(explain(error)).toContain(directory);
  }
});

test("a recording of format version 1 has its latencies in today's histograms", async () => {
  const file = join(directory, 'recording.json');
  // Buckets of 1/128: 100 us, then 233 * 16,384 us and the half of 16,384 more.
  const first = {
    ...response('migration', 1),
    histogram: [
      [100, 3],
      [2025, 2],
    ],
  } as const;
  const stored = { ...recording({ load: loadRecord({ latencies: [first] }) }), formatVersion: 1 };
  await writeFile(file, JSON.stringify(stored));
  const read = await readRecording(file);
  expect(read.formatVersion).toBe(2);
  const latencies = 'latencies' in read.load ? read.load.latencies : [];
  expect(latencies.map(({ histogram }) => histogram)).toEqual([
    [
      [100, 3],
      [3_825_664, 2],
    ],
  ]);
});
