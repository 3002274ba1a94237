/** One end of the conversation with the load thread: every wait has a limit, and ends when the thread does. */
import type { Worker } from 'node:worker_threads';
import { EnvironmentError } from '../../errors.ts';
import type { FromWorker, ToWorker } from './messages.ts';

export interface Thread {
  tell(message: ToWorker): void;
  listen(heard: (message: FromWorker) => void): void;
  /** The first message that `pick` takes; rejects when the limit passes, the thread ends or the signal is aborted. */
  wait<Picked>(
    pick: (message: FromWorker) => Picked | null,
    limitMs: number,
    signal?: AbortSignal,
  ): Promise<Picked>;
  /** Waits until the thread has ended by itself, at most this long. */
  ended(limitMs: number): Promise<void>;
  terminate(): Promise<void>;
}

export function createThread(worker: Worker): Thread {
  const rejections = new Set<(error: unknown) => void>();
  const listeners = new Set<(message: FromWorker) => void>();
  let end: { readonly error: unknown } | null = null;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

  function endWith(error: unknown): void {
    end ??= { error };
    for (const reject of rejections) reject(end.error);
    rejections.clear();
  }
  worker.on('error', endWith);
  worker.on('exit', () => endWith(new EnvironmentError('the load thread ended before it was asked to')));
  worker.on('message', (message: FromWorker) => {
    for (const heard of listeners) heard(message);
  });

  return {
    tell: (message) => worker.postMessage(message),
    listen: (heard) => void listeners.add(heard),
    wait(pick, limitMs, signal) {
      return new Promise((resolve, reject) => {
        if (end !== null) return reject(end.error);
        if (signal?.aborted) return reject(signal.reason);
        const hear = (message: FromWorker): void => {
          const picked = pick(message);
          if (picked === null) return;
          forget();
          resolve(picked);
        };
        const refuse = (error: unknown): void => {
          forget();
          reject(error);
        };
        const onAbort = (): void => refuse(signal?.reason);
        const timer = setTimeout(() => refuse(new EnvironmentError(tooLate(limitMs))), limitMs);
        function forget(): void {
          clearTimeout(timer);
          listeners.delete(hear);
          rejections.delete(refuse);
          signal?.removeEventListener('abort', onAbort);
        }
        listeners.add(hear);
        rejections.add(refuse);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
    async ended(limitMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limitMs);
      });
      await Promise.race([exited, late]);
      clearTimeout(timer);
    },
    async terminate() {
      await worker.terminate();
    },
  };
}

function tooLate(limitMs: number): string {
  return `the load thread did not answer within ${limitMs / 1000} s: the machine may be overloaded, lower load.rate`;
}
