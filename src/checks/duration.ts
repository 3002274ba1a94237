import { exactly } from '../recording/figure.ts';
import type { Recording, Step } from '../recording/recording.ts';
import type { Check } from './check.ts';
import { takenMoments } from './code-changes.ts';
import { finding, unproven } from './finding.ts';
import { unfinished } from './span.ts';

const id = 'duration';
const SOURCE = 'clock of the recorder';

export const duration: Check = {
  id,
  title: 'Duration of the migrations',
  condition:
    'From the start of the first step to the end of the last one, retries included, takes longer than budgets.duration.',
  effect:
    'The release waits for it, locks taken in a transaction are held until its end, and whatever may go wrong has ' +
    'that much longer to do so.',
  workaround:
    'Move the slow statement out of the release: build the index online, fill new columns in batches by a job of ' +
    'its own, validate constraints afterwards. The steps of the report show which statement it is.',

  check(recording, { durationMs: bound }) {
    if (bound === null) return [];
    const ran = recording.steps.filter(({ outcome }) => outcome !== 'not run');
    const facts = {
      checkId: id,
      subject: 'migrations',
      what: 'from the first step to the last',
      unit: 'ms',
      bound,
    } as const;
    if (ran.length === 0) return [finding({ ...facts, figure: { notMeasured: 'no step ran' } })];
    const lastAtMs = Math.max(...ran.map(({ endedAtMs }) => endedAtMs));
    const total =
      lastAtMs - Math.min(...ran.map(({ startedAtMs }) => startedAtMs)) - heldUpMs(recording, lastAtMs);
    const found = finding({
      ...facts,
      figure: exactly(total, SOURCE),
      details: ran.map((step) => ({
        what: step.file,
        figure: exactly(lengthOf(step), SOURCE),
        unit: 'ms' as const,
      })),
    });
    return [unproven(found, unfinished(recording))];
  },
};

/** Between the steps the code was looked at, for which no release waits. */
function heldUpMs({ code }: Recording, lastAtMs: number): number {
  if (code === undefined || 'notMeasured' in code) return 0;
  return takenMoments(code)
    .filter(({ afterStep, atMs }) => afterStep !== null && atMs < lastAtMs)
    .reduce((sum, { durationMs }) => sum + durationMs, 0);
}

function lengthOf({ startedAtMs, endedAtMs }: Step): number {
  return endedAtMs - startedAtMs;
}
