/** A reporter renders a judged recording as text. Pure: no clock, no file, no colour unless asked. */
import type { Check, Judgement } from '../checks/check.ts';
import type { Recording } from '../recording/recording.ts';

export interface Report {
  readonly recording: Recording;
  readonly judgement: Judgement;
  /** All known checks, for titles, effects and workarounds. */
  readonly checks: readonly Check[];
}

export interface RenderOptions {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

export interface Reporter {
  readonly name: string;
  /** Name of the file in reports/<scenario>/<started-at>/. */
  readonly fileName: string;
  render(report: Report, options: RenderOptions): string;
}
