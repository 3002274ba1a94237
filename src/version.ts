import { readFileSync } from 'node:fs';

/** Version of this package, from the package.json above the sources or the compiled files. */
export function harnessVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
