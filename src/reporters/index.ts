/** Every reporter. A new format is one file and one line here. */
import { UsageError } from '../errors.ts';
import { json } from './json.ts';
import { markdown } from './markdown.ts';
import type { RenderOptions, Report, Reporter } from './reporter.ts';
import { terminal } from './terminal.ts';

export const reporters: readonly Reporter[] = [terminal, markdown, json];

/** UsageError names the formats there are. */
export function findReporter(name: string): Reporter {
  const found = reporters.find((reporter) => reporter.name === name);
  if (found !== undefined) return found;
  const known = reporters.map((reporter) => reporter.name).join(', ');
  throw new UsageError(`"${name}" is no report format. Choose one of: ${known}.`);
}

/** Renders a judged recording in a format; UsageError for an unknown one. */
export function renderReport(
  report: Report,
  formatName: string,
  options: RenderOptions = { colour: false, width: 80 },
): string {
  return findReporter(formatName).render(report, options);
}
