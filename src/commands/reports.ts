/** `--report FORMAT[=FILE]`: parsed and opened before the work starts, so that a wrong path does not cost an hour. */
import { constants } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EnvironmentError, UsageError } from '../errors.ts';
import { findReporter, reporters } from '../reporters/index.ts';
import type { RenderOptions, Report, Reporter } from '../reporters/reporter.ts';
import { colourWanted, columnsOf } from './colour.ts';
import type { CommandIo } from './command.ts';

/** A report that was asked for; `file` is absolute, null is stdout. */
export interface ReportTarget {
  readonly reporter: Reporter;
  readonly file: string | null;
}

export interface OpenReports extends AsyncDisposable {
  /** Writes the report in every format asked for; a further report is appended to the same outputs. */
  write(report: Report): Promise<void>;
}

/** Files hold no colour, and lines that fit any terminal. */
const FILE_OPTIONS: RenderOptions = { colour: false, width: 80 };

/** For the help of each command that reports. */
export const REPORT_HELP = `--report FORMAT[=FILE]  ${reporters.map(({ name }) => name).join(', ')}; repeatable; FILE - is stdout, which is also the
                         default. Without any --report the terminal report goes to stdout.`;

/**
 * Parses the values of --report and opens their files. UsageError for an unknown format, for a file that cannot be
 * written to, and for two reports into one place. A file that existed keeps its content until a report is written.
 */
export async function openReports(
  values: readonly string[],
  io: CommandIo,
  color: boolean | undefined,
): Promise<OpenReports> {
  const targets = parseTargets(values, io.cwd);
  const opened: OpenReport[] = [];
  async function close(): Promise<void> {
    for (const each of opened.splice(0)) await each.close();
  }
  try {
    for (const target of targets) opened.push(await openReport(target, io, color));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async write(report) {
      for (const each of opened) await each.write(report);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Without a value: the terminal report on stdout. */
export function parseTargets(values: readonly string[], cwd: string): readonly ReportTarget[] {
  const targets = (values.length === 0 ? ['terminal'] : values).map((value) => parseTarget(value, cwd));
  targets.forEach(({ file }, index) => {
    if (targets.findIndex((other) => other.file === file) === index) return;
    const where = file === null ? 'stdout' : `"${file}"`;
    throw new UsageError(`Two reports would go to ${where}. Give each its own file: --report FORMAT=FILE.`);
  });
  return targets;
}

function parseTarget(value: string, cwd: string): ReportTarget {
  const at = value.indexOf('=');
  const [format, file] = at < 0 ? [value, '-'] : [value.slice(0, at), value.slice(at + 1)];
  const reporter = findReporter(format);
  if (file === '')
    throw new UsageError(
      `--report "${value}" names no file. Write ${format}=FILE, or ${format}=- for stdout.`,
    );
  return { reporter, file: file === '-' ? null : resolve(cwd, file) };
}

interface OpenReport {
  write(report: Report): Promise<void>;
  close(): Promise<void>;
}

async function openReport(
  { reporter, file }: ReportTarget,
  io: CommandIo,
  color: boolean | undefined,
): Promise<OpenReport> {
  if (file !== null) return openFile(reporter, file);
  const options = { colour: colourWanted(io.stdout, io.env, color), width: columnsOf(io.stdout, io.env) };
  return {
    write: (report) => writeTo(io.stdout, reporter.render(report, options)),
    close: () => Promise.resolve(),
  };
}

async function openFile(reporter: Reporter, file: string): Promise<OpenReport> {
  const existed = await stat(file).then(
    () => true,
    () => false,
  );
  const handle = await openForWriting(file);
  let written = false;
  return {
    async write(report) {
      try {
        if (!written) await handle.truncate(0);
        written = true;
        await handle.appendFile(reporter.render(report, FILE_OPTIONS));
      } catch (error) {
        throw new EnvironmentError(`The report could not be written to "${file}".`, { cause: error });
      }
    },
    async close() {
      await handle.close();
      if (!existed && !written) await rm(file, { force: true });
    },
  };
}

async function openForWriting(file: string): Promise<FileHandle> {
  try {
    return await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND);
  } catch (error) {
    throw new UsageError(
      `The report file "${file}" cannot be written to. Choose a file in a folder that exists.`,
      {
        cause: error,
      },
    );
  }
}

/** Resolves when the text is handed over. A reader that went away (| head) has had enough: that is no error. */
export function writeTo(output: CommandIo['stdout'], text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EPIPE') resolve();
      else reject(new EnvironmentError('The report could not be written to stdout.', { cause: error }));
    };
    output.once('error', onError);
    output.write(text, (error) => {
      if (error) return; // the event follows, and tells
      output.off('error', onError);
      resolve();
    });
  });
}
