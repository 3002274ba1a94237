// Plain JavaScript that any Node.js can read. What Node compiled is kept in a folder of our own, so that a start, and each
// thread of a rehearsal, does not compile the same sources again. Nothing is kept where the folder cannot be written.
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

export function keepCompiled() {
  const { REHEARSE_CACHE, XDG_CACHE_HOME } = process.env;
  const folder = REHEARSE_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'rehearse');
  module.enableCompileCache?.(join(folder, 'compiled'));
}
