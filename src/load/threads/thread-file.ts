/** Files of threads: `.ts` when running from sources, `.js` in the compiled package. */
export function threadFile(name: 'worker' | 'ticker'): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}
