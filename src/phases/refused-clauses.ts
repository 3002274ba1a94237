/** Asks, once nothing else runs, what the server would have taken instead of the clauses that it refused. */
import { explain } from '../errors.ts';
import type { StatementRecord, Step } from '../recording/recording.ts';
import type { WindowsRequest } from './windows.ts';

type Request = Pick<WindowsRequest, 'engine' | 'started' | 'recorder' | 'progress' | 'signal'>;

export async function askInstead(request: Request): Promise<void> {
  const { recorder } = request;
  for (const step of [...recorder.steps]) {
    const failed = step.statements.findLast(({ outcome }) => outcome === 'failed');
    if (failed === undefined || failed.error === null) continue;
    try {
      await askOf(request, step, failed);
    } catch (error) {
      request.signal.throwIfAborted();
      recorder.add('notMeasured', {
        what: `which clauses the server would take for line ${failed.line} of ${step.file}`,
        reason: explain(error).split('\n')[0] ?? '',
      });
    }
  }
}

async function askOf(
  { engine, started, recorder, progress, signal }: Request,
  step: Step,
  failed: StatementRecord,
): Promise<void> {
  if (engine.clauses === undefined || failed.error === null) return;
  await using session = await engine.connections.connect(
    { ...started.roles.administrator, database: started.roles.migrator.database },
    { applicationName: 'rehearse clauses' },
    signal,
  );
  progress.say('stop', 'asking which clauses the server would take');
  const accepted = await engine.clauses.instead(session, failed.text);
  if (accepted === null) return;
  const error = { ...failed.error, accepted };
  const told = { ...failed, error };
  recorder.setStep({
    ...step,
    error: step.error === null ? null : { ...step.error, accepted },
    statements: step.statements.map((each) => (each.id === failed.id ? told : each)),
  });
}
