/** What a trouble must look like: one clear message, the documented exit code, nothing on stdout but a report. */
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Judgement } from '../src/checks/check.ts';
import type { PhaseName, Recording } from '../src/recording/recording.ts';
import { readRecording } from '../src/recording/store.ts';
import { startedUntil } from './running.ts';
import { createSandbox, type Files, type Sandbox } from './sandbox.ts';

export interface Trouble {
  readonly what: string;
  /** Over the small project; an empty text takes a file away. */
  readonly files?: Files;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly exitCode: 1 | 2 | 3;
  /** On stderr: what happened with its value, and what to do. */
  readonly says: readonly (string | RegExp)[];
  /** What a rehearsal that began leaves in its recording; without it nothing is on stdout and no report is kept. */
  readonly recorded?: (recording: Recording, judgement: Judgement) => void;
}

/** Runs the trouble in a sandbox of its own, with the report as JSON unless it asks for another. */
export async function runTrouble(project: Files, trouble: Trouble): Promise<void> {
  const files = Object.entries({ ...project, ...trouble.files }).filter(([, text]) => text !== '');
  await using sandbox = await createSandbox(Object.fromEntries(files));
  const args = ['run', ...(trouble.args ?? [])];
  if (!args.includes('--report')) args.push('--report', 'json=-');
  await expectTrouble(sandbox, args, trouble);
}

export async function expectTrouble(
  sandbox: Sandbox,
  args: readonly string[],
  trouble: Trouble,
): Promise<void> {
  const command = sandbox.start(args, trouble.env);
  const { pid } = command;
  const { exitCode, stdout, stderr } = await command;
  for (const words of trouble.says) expect(stderr).toMatch(words);
  expect(exitCode, stderr).toBe(trouble.exitCode);
  expectOneMessage(stderr, trouble);
  if (trouble.recorded === undefined) {
    expect(stdout).toBe('');
    await expect(access(join(sandbox.project, 'reports'))).rejects.toThrow('ENOENT');
  } else {
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ recording: {}, judgement: {} });
    const { recording, judgement } = report as { recording: Recording; judgement: Judgement };
    trouble.recorded(recording, judgement);
  }
  expect(await sandbox.leftBehind(pid)).toEqual([]);
}

/** A verdict is told by the report, trouble by one message; never a stack trace, never a password. */
function expectOneMessage(stderr: string, { exitCode, says }: Trouble): void {
  const byVerdict = exitCode === 1 || (exitCode === 3 && says.length === 0);
  expect(
    stderr.split('\n').filter((line) => /^rehearse(:| needs) /.test(line)),
    stderr,
  ).toHaveLength(byVerdict ? 0 : 1);
  expect(stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
  expect(stderr).not.toContain('defect of rehearse');
  expect(stderr).not.toContain('hidden');
}

export function endedInProvision(recording: Recording): void {
  expect(recording.ended).toMatchObject({ how: 'failed', phase: 'provision' });
  expect(recording.servers).toEqual([]);
}

export interface Interruption {
  readonly phase: PhaseName;
  /** In words, for the title. */
  readonly moment: string;
  /** In which the phase lasts long enough to be interrupted. */
  readonly files: Files;
  /** Progress after which the signal is sent. */
  readonly after: RegExp;
  readonly signal: 'SIGINT' | 'SIGTERM';
  readonly recorded?: (recording: Recording) => void;
}

/** Interrupts a rehearsal: the recording is kept, the server is gone, exit 130. */
export async function runInterrupted(
  project: Files,
  { phase, files, after, signal, recorded }: Interruption,
): Promise<void> {
  await using sandbox = await createSandbox({ ...project, ...files });
  const command = await startedUntil(sandbox, ['run'], after);
  command.kill(signal);
  // A second one is impatience and not another wish: the clean-up goes on.
  await command.says(/SIG(INT|TERM): stopping/);
  command.kill(signal);
  const { exitCode, stderr } = await command.ended;

  expect(exitCode, stderr).toBe(130);
  expect(stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
  const recording = await onlyRecording(sandbox);
  expect(recording.ended).toEqual({ how: 'interrupted', phase, signal });
  recorded?.(recording);
  expect(await sandbox.leftBehind(command.pid)).toEqual([]);
}

async function onlyRecording(sandbox: Sandbox): Promise<Recording> {
  const reports = join(sandbox.project, 'reports', 'small');
  const names = await readdir(reports);
  expect(names).toHaveLength(1);
  return readRecording(join(reports, names[0] ?? ''));
}
