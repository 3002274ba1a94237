#!/usr/bin/env node
// Plain JavaScript that any Node.js can read, so that one that is too old is told so and not shown a syntax error.
import { existsSync } from 'node:fs';
import { keepCompiled } from './compile-cache.js';

const sources = new URL('../src/cli.ts', import.meta.url);
const compiled = new URL('../dist/cli.js', import.meta.url);
const inCheckout = existsSync(sources);
const version = process.versions.node.split('.').map(Number);
const wanted = inCheckout ? [24, 0] : [22, 22];

if (version[0] < wanted[0] || (version[0] === wanted[0] && version[1] < wanted[1])) {
  console.error(
    `rehearse needs Node.js ${wanted.join('.')} or newer; this is ${process.versions.node}. ` +
      (inCheckout
        ? 'In a checkout use "npm run rehearse -- ARGS": npm ci installs a Node.js that is new enough beside it.'
        : 'Install a newer one from nodejs.org or with your version manager.'),
  );
  process.exitCode = 2;
} else {
  keepCompiled();
  const { main } = await import(inCheckout ? sources : compiled);
  await main();
}
