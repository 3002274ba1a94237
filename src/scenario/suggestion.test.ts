import { expect, test } from 'vitest';
import { closest } from './suggestion.ts';

test.each([
  ['engin', 'engine'],
  ['lock_timeout', 'lockTimeout'],
  ['locktimeout', 'lockTimeout'],
  ['lcokTimeout', 'lockTimeout'],
  ['retires', 'retries'],
  ['bananas', null],
  ['', null],
])('%j was meant as %j', (word, meant) => {
  expect(closest(word, ['engine', 'lockTimeout', 'retries', 'url'])).toBe(meant);
});
