/** The report for programs: every figure as it was measured, none as text. */
import type { Reporter } from './reporter.ts';

export const REPORT_FORMAT = 'migration-rehearsal/report';
export const REPORT_FORMAT_VERSION = 1;

export const json: Reporter = {
  name: 'json',
  fileName: 'report.json',
  render({ recording, judgement }) {
    const report = { format: REPORT_FORMAT, formatVersion: REPORT_FORMAT_VERSION, judgement, recording };
    return `${JSON.stringify(report)}\n`;
  },
};
