import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checks } from '../checks/index.ts';
import { UsageError } from '../errors.ts';
import { checksCommand } from './checks.ts';
import { colourWanted, columnsOf } from './colour.ts';
import type { Command, CommandIo } from './command.ts';
import { judgeCommand } from './judge.ts';
import { reportCommand } from './report.ts';
import { openReports, parseTargets, writeTo } from './reports.ts';

const EXAMPLE = fileURLToPath(
  new URL('../../reports/examples/postgres-add-column-behind-long-read/', import.meta.url),
);

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rehearse commands '));
  await cp(join(EXAMPLE, 'recording.json'), join(directory, 'recording.json'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function collector() {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

function ioOf(env: CommandIo['env'] = {}) {
  const [stdout, stderr] = [collector(), collector()];
  const signal = new AbortController().signal;
  const io: CommandIo = { stdout: stdout.stream, stderr: stderr.stream, env, cwd: directory, signal };
  return { io, printed: stdout.text, said: stderr.text };
}

async function run(command: Command, ...args: string[]) {
  const { io, printed, said } = ioOf();
  const exitCode = await command.run(args, io);
  return { exitCode, printed: printed(), said: said() };
}

async function refusal(command: Command, ...args: string[]): Promise<string> {
  const error = await run(command, ...args).then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(UsageError);
  return error instanceof Error ? error.message : '';
}

test('judge exits by the verdict and prints the report', async () => {
  const { exitCode, printed, said } = await run(judgeCommand, 'recording.json');
  expect(exitCode).toBe(1);
  expect(printed).toMatch(/^FAIL {2}postgres-add-column-behind-long-read/);
  expect(said).toBe('');
});

test('judge with another budget flips the verdict, without a database and without touching the recording', async () => {
  const before = await readFile(join(directory, 'recording.json'), 'utf8');
  const generous = ['lockWait=10s', 'stall=10s', 'failedOperations=1000'].flatMap((each) => [
    '--budget',
    each,
  ]);
  expect(await run(judgeCommand, '.', ...generous)).toMatchObject({ exitCode: 0 });
  expect(await run(judgeCommand, '.', ...generous, '--budget', 'duration=1s')).toMatchObject({ exitCode: 1 });
  expect(await readFile(join(directory, 'recording.json'), 'utf8')).toBe(before);
  expect(await readdir(directory)).toEqual(['recording.json']);
});

test('judge without any budget is inconclusive', async () => {
  const names = [
    'lockWait',
    'stall',
    'duration',
    'diskGrowthPeak',
    'failedOperations',
    'latencyP99',
    'replicaLag',
  ];
  const none = names.flatMap((name) => ['--budget', `${name}=none`]);
  expect(await run(judgeCommand, '.', ...none)).toMatchObject({ exitCode: 3 });
});

test('report exits 0 whatever the verdict, and json on stdout is nothing but JSON', async () => {
  const { exitCode, printed } = await run(reportCommand, '.', '--report', 'json=-');
  expect(exitCode).toBe(0);
  expect(JSON.parse(printed).judgement.verdict).toBe('fail');
});

test('several reports go to their files, and stdout gets what was asked for', async () => {
  const reports = ['markdown=report.md', 'json=report.json', 'terminal'].flatMap((each) => [
    '--report',
    each,
  ]);
  const { printed } = await run(reportCommand, '.', ...reports);
  expect(printed).toMatch(/^FAIL/);
  expect(await readFile(join(directory, 'report.md'), 'utf8')).toMatch(/^## ❌ FAIL/);
  expect(JSON.parse(await readFile(join(directory, 'report.json'), 'utf8')).formatVersion).toBe(1);
});

test('a report replaces an older and longer one as a whole', async () => {
  await writeFile(join(directory, 'report.json'), 'x'.repeat(1_000_000));
  await run(reportCommand, '.', '--report', 'json=report.json');
  expect(JSON.parse(await readFile(join(directory, 'report.json'), 'utf8')).formatVersion).toBe(1);
});

test('when the work fails, an older report is kept and no empty one is left', async () => {
  await writeFile(join(directory, 'old.md'), 'old');
  await refusal(reportCommand, 'missing.json', '--report', 'markdown=old.md', '--report', 'json=new.json');
  expect(await readFile(join(directory, 'old.md'), 'utf8')).toBe('old');
  expect(await readdir(directory)).toEqual(['old.md', 'recording.json']);
});

test('reports of several rehearsals follow each other in one file', async () => {
  const { io, printed } = ioOf();
  const { readRecording } = await import('../recording/store.ts');
  const { judge } = await import('../judge.ts');
  const recording = await readRecording(directory);
  const report = { recording, judgement: judge(recording), checks };
  {
    await using reports = await openReports(['json=both.json', 'terminal'], io, false);
    await reports.write(report);
    await reports.write(report);
  }
  const lines = (await readFile(join(directory, 'both.json'), 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).judgement.verdict)).toEqual(['fail', 'fail']);
  expect(printed().match(/^FAIL/gm)).toHaveLength(2);
});

test.each([
  [judgeCommand, [], 'takes one RECORDING, but it is missing'],
  [judgeCommand, ['a', 'b'], 'takes one RECORDING, but there are 2: a, b'],
  [judgeCommand, ['missing.json'], 'There is no recording to read at'],
  [judgeCommand, ['.', '--budget', 'lockWait=fast'], 'fast'],
  [judgeCommand, ['.', '--budget', 'lockWaits=1s'], 'lockWait'],
  [judgeCommand, ['.', '--budgets', 'lockWait=1s'], '--budgets'],
  [reportCommand, ['.', '--report', 'pdf'], 'Choose one of: terminal, markdown, json'],
  [reportCommand, ['.', '--report', 'json='], 'names no file'],
  [reportCommand, ['.', '--report', 'json=no/such/folder/r.json'], 'cannot be written to'],
  [reportCommand, ['.', '--report', 'json', '--report', 'terminal'], 'Two reports would go to stdout'],
  [reportCommand, ['.', '--report', 'json=a', '--report', 'markdown=./a'], 'Two reports would go to'],
  [checksCommand, ['lock-waits'], 'There is no check "lock-waits". It is one of: '],
] as const)('%o %j is refused with what to do', async (command, args, message) => {
  expect(await refusal(command, ...args)).toContain(message);
});

test('checks lists every check and explains one', async () => {
  const { printed, exitCode } = await run(checksCommand);
  expect(exitCode).toBe(0);
  for (const { id } of checks) expect(printed).toContain(id);
  const one = await run(checksCommand, 'lock-wait');
  expect(one.printed).toMatch(/^lock-wait: Waiting for a lock\n\ncondition /);
  expect(one.printed).toMatch(/\nworkaround +Set a lock timeout/);
});

test('a report without a file goes to stdout, and none at all is the terminal report', () => {
  expect(parseTargets([], '/x')).toMatchObject([{ reporter: { name: 'terminal' }, file: null }]);
  expect(parseTargets(['json', 'markdown=a=b.md'], '/x')).toMatchObject([
    { reporter: { name: 'json' }, file: null },
    { reporter: { name: 'markdown' }, file: '/x/a=b.md' },
  ]);
});

test('a reader that went away is no error', async () => {
  const gone = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  await expect(writeTo(gone, 'text')).resolves.toBeUndefined();
});

test('a disk that is full is an error', async () => {
  const full = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('no space left'), { code: 'ENOSPC' })),
  });
  await expect(writeTo(full, 'text')).rejects.toThrow('could not be written to stdout');
});

const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 132 });
const pipe = new PassThrough();

test.each([
  ['a terminal', terminal, {}, undefined, true],
  ['a pipe', pipe, {}, undefined, false],
  ['--color into a pipe', pipe, { NO_COLOR: '1' }, true, true],
  ['--no-color on a terminal', terminal, { FORCE_COLOR: '1' }, false, false],
  ['NO_COLOR', terminal, { NO_COLOR: '1' }, undefined, false],
  ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, undefined, true],
  ['FORCE_COLOR into a pipe', pipe, { FORCE_COLOR: '' }, undefined, true],
  ['FORCE_COLOR=0 on a terminal', terminal, { FORCE_COLOR: '0' }, undefined, false],
  [
    'FORCE_COLOR beside NO_COLOR, as in Node.js',
    terminal,
    { FORCE_COLOR: '1', NO_COLOR: '1' },
    undefined,
    true,
  ],
  ['TERM=dumb', terminal, { TERM: 'dumb' }, undefined, false],
  ['CI', terminal, { CI: 'true' }, undefined, false],
] as const)('colour with %s', (_, output, env, flag, wanted) => {
  expect(colourWanted(output, env, flag)).toBe(wanted);
});

test('the width is that of the terminal, else COLUMNS, else 80', () => {
  expect(columnsOf(terminal, { COLUMNS: '100' })).toBe(132);
  expect(columnsOf(pipe, { COLUMNS: '100' })).toBe(100);
  expect(columnsOf(pipe, { COLUMNS: 'wide' })).toBe(80);
});
