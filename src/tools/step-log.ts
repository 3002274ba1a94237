/** The step of one migration as it comes about: published before and after each message, so that no end loses it. */
import type { SqlFailure, StatementRecord, Step } from '../recording/recording.ts';
import type { Migration } from './tool.ts';

/** Where steps go to; the recorder is one. */
export interface StepSink {
  /** Milliseconds on the clock that the steps are told in. */
  now(): number;
  setStep(step: Step): void;
  note(text: string): void;
}

export interface StepLog {
  readonly migration: Migration;
  readonly startedAtMs: number;
  readonly step: Step;
  /** The first message goes out now. */
  start(): void;
  /** What was written down so far stays; what comes now belongs to the next attempt. */
  nextAttempt(): void;
  /** Replaces the records of the running attempt and publishes the step as running. */
  write(records: readonly StatementRecord[]): void;
  /** The statement of this index was sent: it needs no record as one that was never reached. */
  reach(index: number): void;
  /** Records of the running attempt. */
  readonly written: readonly StatementRecord[];
  end(outcome: Step['outcome'], error: SqlFailure | null): void;
}

const RUNNING: SqlFailure = {
  code: null,
  message: 'the rehearsal ended while this migration was running',
  statement: null,
  position: null,
};

/** `notRun` are the records of a step that is never reached. */
export function createStepLog(
  migration: Migration,
  {
    sink,
    transaction,
    notRun,
  }: {
    readonly sink: StepSink;
    readonly transaction: Step['transaction'];
    readonly notRun: readonly StatementRecord[];
  },
): StepLog {
  const { version, name, file } = migration;
  let earlier: readonly StatementRecord[] = [];
  let written: readonly StatementRecord[] = [];
  let attempts = 0;
  let reached = -1;
  const announcedAtMs = sink.now();
  let step: Step = {
    version,
    name,
    file,
    outcome: 'not run',
    transaction,
    startedAtMs: announcedAtMs,
    endedAtMs: announcedAtMs,
    attempts,
    statements: notRun,
    error: null,
  };
  const publish = (change: Partial<Step>): void => {
    step = { ...step, attempts, statements: [...earlier, ...written], endedAtMs: sink.now(), ...change };
    sink.setStep(step);
  };
  sink.setStep(step);
  return {
    migration,
    get startedAtMs() {
      return step.startedAtMs;
    },
    get step() {
      return step;
    },
    get written() {
      return written;
    },
    start() {
      attempts = 1;
      publish({ startedAtMs: sink.now(), outcome: 'failed', error: RUNNING });
    },
    nextAttempt() {
      attempts += 1;
      earlier = [...earlier, ...written];
      written = [];
    },
    write(records) {
      written = records;
      publish({ outcome: 'failed', error: RUNNING });
    },
    reach(index) {
      reached = Math.max(reached, index);
    },
    end(outcome, error) {
      const rest = outcome === 'applied' ? [] : notRun.filter(({ index }) => index > reached);
      publish({ outcome, error, statements: [...earlier, ...written, ...rest] });
    },
  };
}
