/** The server's clock minus the recorder's, by asking. */
import type { Engine, Session } from '../engines/engine.ts';
import { between, notMeasured } from '../recording/figure.ts';
import type { Recorder } from '../recording/recorder.ts';

/** Enough for one quick answer among slow ones; the quickest gives the tightest bounds. */
const CLOCK_READINGS = 5;

/** The server read its clock somewhere between our question and its answer. */
export async function measureClockOffset(
  { views }: Engine,
  recorder: Pick<Recorder, 'now' | 'epochMs'>,
  session: Session,
) {
  let best: { lower: number; upper: number } | null = null;
  for (let reading = 0; reading < CLOCK_READINGS; reading += 1) {
    const asked = recorder.now();
    const serverMs = (await views.readClock(session)) - recorder.epochMs;
    const answered = recorder.now();
    if (best === null || answered - asked < best.upper - best.lower) {
      best = { lower: serverMs - answered, upper: serverMs - asked };
    }
  }
  if (best === null) return notMeasured('the server clock could not be read');
  return between(best.lower, best.upper, 'server clock, read between two readings of the recorder');
}
