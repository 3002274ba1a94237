import { expect, test } from 'vitest';
import { EnvironmentError, exitCodeOf, explain, InterruptedError, UsageError } from './errors.ts';

/** What `await using` throws when the work fails and the cleaning up after it fails too. */
async function failTwice(first: Error, later: Error): Promise<unknown> {
  try {
    await using _resource = {
      [Symbol.asyncDispose]: async () => {
        throw later;
      },
    };
    throw first;
  } catch (error) {
    return error;
  }
}

test('a failure while cleaning up does not hide what went wrong first', async () => {
  const error = await failTwice(new UsageError('the first'), new Error('the later'));
  expect(explain(error)).toBe('the first');
  expect(exitCodeOf(error)).toBe(2);
});

test('known errors tell their message and causes, bugs keep their stack', () => {
  const cause = new Error('connect ECONNREFUSED');
  expect(explain(new EnvironmentError('no server', { cause }))).toBe(
    'no server\n  because: connect ECONNREFUSED',
  );
  expect(explain(new TypeError('a bug'))).toMatch(/^TypeError: a bug\n\s+at .*defect of rehearse/s);
});

test('an interruption names its signal and exits 130', () => {
  expect(explain(new InterruptedError('SIGTERM'))).toBe('interrupted by SIGTERM');
  expect(exitCodeOf(new InterruptedError('SIGTERM'))).toBe(130);
});

test('no password is told', () => {
  const url = new EnvironmentError('postgres://me:hidden@host/db and password=hidden');
  expect(explain(url)).toBe('postgres://me:***@host/db and password=***');
});
