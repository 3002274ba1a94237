/** A migration of one statement. */
import { type Session, SqlError } from '../../src/engines/engine.ts';
import { between } from '../../src/recording/figure.ts';
import type { Recorder } from '../../src/recording/recorder.ts';

/** The statement as a step of its own, told to the recorder as a rehearsal tells it. */
export async function runStep(migrator: Session, text: string, recorder: Recorder): Promise<void> {
  const startedAtMs = recorder.now();
  const failure = await migrator.execute(text).then(
    () => null,
    (error: unknown) => error,
  );
  const endedAtMs = recorder.now();
  const error =
    failure instanceof SqlError
      ? { code: failure.code, message: failure.message, statement: text, position: null }
      : null;
  const version = '1';
  recorder.setStep({
    version,
    name: 'alter',
    file: '1.sql',
    outcome: failure === null ? 'applied' : 'failed',
    transaction: 'per statement',
    startedAtMs,
    endedAtMs,
    attempts: 1,
    statements: [
      {
        id: `${version}#1.0`,
        index: 0,
        attempt: 1,
        text,
        line: 1,
        startedAtMs,
        durationMs: between(0, endedAtMs - startedAtMs, 'clock of the client'),
        sessionId: migrator.id,
        outcome: failure === null ? 'ok' : 'failed',
        effect: failure === null ? 'took effect' : 'none',
        rows: null,
        error,
      },
    ],
    error,
  });
  if (failure !== null) throw failure;
}
