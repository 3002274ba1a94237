/** Says how long a piece of work will still take, from the share that is done. */

/** Before that a rate means little. */
const FIRST_AFTER_MS = 2_000;
const SECONDS_PER_MINUTE = 60;

/** A function from the share done, 0..1, to words such as ", about 40 s left"; empty as long as it is not known. */
export function createEstimate(now: () => number = () => performance.now()): (fraction: number) => string {
  const startedAt = now();
  return (fraction) => {
    const elapsedMs = now() - startedAt;
    if (elapsedMs < FIRST_AFTER_MS || fraction <= 0 || fraction >= 1) return '';
    const seconds = Math.round(((elapsedMs / fraction) * (1 - fraction)) / 1000);
    if (seconds < SECONDS_PER_MINUTE * 2) return `, about ${seconds} s left`;
    return `, about ${Math.round(seconds / SECONDS_PER_MINUTE)} min left`;
  };
}
