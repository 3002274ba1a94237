/** When a server looked at its locks by itself, in a statement that sleeps before each look. Pure. */
import type { Watched } from './views.ts';

/** The sleep before a look: as often as the locks are read from outside. */
export const LOOK_EVERY_MS = 20;

/**
 * `began`: when each look began, `totalMs`: when the statement ended, both since it began. It began after it was asked for and ended
 * before it was answered: a look lies within what is left then, and had ended when the sleep before the next one began. Empty for a
 * server whose clock was set meanwhile.
 */
export function looksWithin(
  began: readonly number[],
  totalMs: number,
  answeredAfterMs: number,
): Watched['looks'] {
  const lateMs = answeredAfterMs - totalMs;
  const looks = began.map((beganMs, index) => {
    const next = began[index + 1];
    return {
      askedAfterMs: beganMs,
      answeredAfterMs: lateMs + (next === undefined ? totalMs : next - LOOK_EVERY_MS),
    };
  });
  const possible = looks.every(
    ({ askedAfterMs, answeredAfterMs: after }, index) =>
      askedAfterMs >= (looks[index - 1]?.askedAfterMs ?? 0) &&
      after >= askedAfterMs &&
      after <= answeredAfterMs,
  );
  return possible ? looks : [];
}
