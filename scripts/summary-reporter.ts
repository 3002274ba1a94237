/** Prints the reason of each skipped test and, as the last line of all, `N passed, N failed, N skipped`. */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const skipped = tests.filter((test) => test.result().state === 'skipped');
    const failed = tests.filter((test) => test.result().state === 'failed');
    const broken = modules.filter((module) => module.state() === 'failed' && failedTestsOf(module) === 0);
    for (const test of skipped) process.stdout.write(`skipped: ${test.fullName}: ${reasonOf(test)}\n`);
    for (const module of broken) process.stdout.write(`failed: ${module.moduleId} as a whole\n`);
    const passed = tests.length - skipped.length - failed.length;
    const failures = failed.length + broken.length + errors.length;
    process.once('exit', () => {
      process.stdout.write(`${passed} passed, ${failures} failed, ${skipped.length} skipped\n`);
    });
  }
}

function failedTestsOf(module: TestModule): number {
  return [...module.children.allTests()].filter((test) => test.result().state === 'failed').length;
}

/** What the test says itself, else the name of the largest group that is skipped as a whole. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === 'skipped' && result.note) return result.note;
  let reason = 'no reason given';
  for (let group = test.parent; group.type === 'suite'; group = group.parent)
    if (group.options.mode === 'skip') reason = group.name;
  return reason;
}

// vitest loads a reporter by its default export.
export { SummaryReporter as default };
