/** Progress on stderr: redrawn in place on a terminal, one line per event otherwise. */
import type { Progress } from '../progress.ts';
import type { PhaseName } from '../recording/recording.ts';

export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Off a terminal, a long piece of work is mentioned this often and no more. */
const QUIET_REPEAT_MS = 10_000;
/** On a terminal, redrawing more often than this only flickers. */
const REDRAW_MS = 100;
const BAR_CELLS = 20;

export interface DrawnProgress extends Progress, Disposable {}

/** `title` heads the lines of one scenario. */
export function drawProgress(output: ProgressOutput, title: string): DrawnProgress {
  const redraws = output.isTTY === true;
  let drawn = false;
  let lastUpdateAt = Number.NEGATIVE_INFINITY;
  let lastPhase: PhaseName | null = null;
  output.write(`${title}\n`);

  function clear(): void {
    if (drawn) output.write('\r\u001b[K');
    drawn = false;
  }

  return {
    say(phase, message) {
      clear();
      output.write(`  ${phase.padEnd(9)} ${message}\n`);
      lastPhase = phase;
      lastUpdateAt = performance.now();
    },
    update(phase, message, fraction) {
      const now = performance.now();
      const interval = redraws ? REDRAW_MS : QUIET_REPEAT_MS;
      if (phase === lastPhase && now - lastUpdateAt < interval) return;
      lastUpdateAt = now;
      lastPhase = phase;
      const line = `  ${phase.padEnd(9)} ${bar(fraction)}${message}`;
      if (!redraws) {
        output.write(`${line}\n`);
        return;
      }
      output.write(`\r\u001b[K${cut(line, (output.columns ?? 80) - 1)}`);
      drawn = true;
    },
    [Symbol.dispose]: clear,
  };
}

function bar(fraction: number | null): string {
  if (fraction === null) return '';
  const share = Math.min(1, Math.max(0, fraction));
  const full = Math.round(share * BAR_CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}] ${String(Math.floor(share * 100)).padStart(3)} %  `;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 3))}...`;
}
