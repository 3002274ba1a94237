/** stdout carries the report and nothing else, so that it can be piped; a stored recording is judged without a database. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Judgement } from '../src/checks/check.ts';
import type { Recording } from '../src/recording/recording.ts';
import { checkout } from './command.ts';
import { createSandbox, type Sandbox, SMALL_SCHEMA } from './sandbox.ts';

const rehearseCommand = `"${process.execPath}" "${checkout}bin/rehearse.js"`;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox({
    'db/schema.sql': `${SMALL_SCHEMA}create table notes (id bigserial primary key, written timestamptz not null);\n`,
    'db/migrations/1_note.sql': 'alter table orders add column note text;\nselect pg_sleep(0.2);\n',
  });
});
afterAll(() => sandbox[Symbol.asyncDispose]());

/** As a user pipes it, in a shell that fails when the command or the reader does. */
function pipe(line: string) {
  return execa('bash', ['-c', `set -o pipefail; ${line}`], {
    cwd: sandbox.project,
    env: { NO_COLOR: '1', ...sandbox.env },
    reject: false,
  });
}

test('without a scenario file, json on stdout is one JSON document with recording and judgement', async () => {
  const line = `${rehearseCommand} run --schema db/schema.sql --migrations db/migrations --rows 200k --name piped --report json=-`;
  const { stdout, stderr, exitCode } = await pipe(`${line} | cat`);
  const report = JSON.parse(stdout) as { recording: Recording; judgement: Judgement };
  expect(report.recording.ended).toEqual({ how: 'completed' });
  expect(report.recording.filling.find(({ table }) => table === 'orders')?.rows).toBe(200_000);
  expect(report.recording.steps).toMatchObject([{ file: '1_note.sql', outcome: 'applied' }]);
  expect(['pass', 'inconclusive', 'fail']).toContain(report.judgement.verdict);
  expect({ pass: 0, fail: 1, inconclusive: 3 }[report.judgement.verdict]).toBe(exitCode);
  expect(stderr).toMatch(/^ {2}migration/m);
});

test('a reader that stops after one line is no crash', async () => {
  const folder = await recordingFolder();
  const { stderr } = await pipe(`${rehearseCommand} report "${folder}" --report json=- | head -c 1`);
  expect(stderr).toBe('');
  const help = await pipe(`${rehearseCommand} run --help | true`);
  expect(help.stderr).toBe('');
  // The progress goes to a reader that left: the work goes on, and its own exit code tells how it ended.
  const run = `${rehearseCommand} run --schema db/schema.sql --migrations db/migrations --url postgres://someone@127.0.0.1:1/orders --expendable`;
  const { stdout } = await pipe(`(${run} 2>&1; echo "exit $?" >ended.txt) | true; cat ended.txt`);
  expect(stdout).toBe('exit 3');
});

test('a stored recording with another budget gets another verdict, where there is no database', async () => {
  const folder = await recordingFolder();
  const elsewhere = join(sandbox.project, 'elsewhere');
  await mkdir(elsewhere);
  const judged = async (duration: string) => {
    const budgets = ['lockWait', 'stall', 'diskGrowthPeak', 'failedOperations', 'latencyP99'];
    const none = budgets.map((name) => `--budget ${name}=none`).join(' ');
    const line = `cd elsewhere && ${rehearseCommand} judge "${folder}" ${none} --budget duration=${duration} --report json=-`;
    const { stdout, exitCode } = await pipe(line);
    const { judgement } = JSON.parse(stdout) as { judgement: Judgement };
    const finding = judgement.findings.find(({ checkId }) => checkId === 'duration');
    return { exitCode, duration: finding?.verdict };
  };
  expect(await judged('100ms')).toEqual({ exitCode: 1, duration: 'fail' });
  expect(await judged('15m')).toMatchObject({ duration: 'pass' });
  expect(await readdir(elsewhere)).toEqual([]);
});

async function recordingFolder(): Promise<string> {
  const reports = join(sandbox.project, 'reports', 'piped');
  return join(reports, (await readdir(reports))[0] ?? '');
}
