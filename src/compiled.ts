/** Threads find what Node compiled in an earlier run, as the main thread does where `rehearse` is the program. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/**
 * Environment of a thread: a cache that the program switched on (bin/compile-cache.js) is not handed on by itself. Without
 * one it is the environment as it is. https://nodejs.org/api/module.html#module-compile-cache
 */
export function threadEnvironment(): NodeJS.ProcessEnv {
  const folder = getCompileCacheDir();
  // What is told is the folder of this version of Node, below the one that was named.
  return folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) };
}
