/** Memory of this thread that is still reachable. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes on the heap and in buffers, after a collection. */
export function reachableBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this Node.js gives no way to collect garbage');
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
