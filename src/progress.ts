/** Where the pipeline says what it is doing; the command line draws it, a program may drop it. */
import type { PhaseName } from './recording/recording.ts';

export interface Progress {
  /** A line worth keeping: something began, ended or needs to be known. */
  say(phase: PhaseName, message: string): void;
  /** The state of a long piece of work; each call replaces the last one. `fraction` is 0..1, or null when unknown. */
  update(phase: PhaseName, message: string, fraction: number | null): void;
}

/** Progress that nobody looks at. */
export const silentProgress: Progress = { say: () => undefined, update: () => undefined };
