/** The reports of real recordings: reports/examples/ holds what `rehearse run` recorded of the scenarios of those names. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { blockedApplication } from '../checks/blocked.ts';
import { checks } from '../checks/index.ts';
import { judge } from '../judge.ts';
import type { Recording } from '../recording/recording.ts';
import { renderReport } from './index.ts';
import { columnsOf } from './layout.ts';
import type { RenderOptions } from './reporter.ts';

const EXAMPLES = [
  'postgres-add-column-behind-long-read',
  'postgres-add-column-with-lock-timeout',
  'mysql-half-applied-migration',
];
const PLAIN: RenderOptions = { colour: false, width: 80 };

function example(name: string, file: string): string {
  return fileURLToPath(new URL(`../../reports/examples/${name}/${file}`, import.meta.url));
}

function stored(name: string): Recording {
  return JSON.parse(readFileSync(example(name, 'recording.json'), 'utf8'));
}

function render(facts: Recording, format: string, options: RenderOptions = PLAIN): string {
  return renderReport({ recording: facts, judgement: judge(facts), checks }, format, options);
}

for (const name of EXAMPLES) {
  test(`the golden reports of ${name} are what is rendered`, async () => {
    await expect(render(stored(name), 'terminal')).toMatchFileSnapshot(example(name, 'report.txt'));
    await expect(render(stored(name), 'markdown')).toMatchFileSnapshot(example(name, 'report.md'));
  });
}

test('the json report holds the recording and the judgement as they are, and no text made of figures', () => {
  const facts = stored('postgres-add-column-behind-long-read');
  const report = JSON.parse(render(facts, 'json'));
  expect(report).toEqual({
    format: 'migration-rehearsal/report',
    formatVersion: 1,
    recording: facts,
    judgement: JSON.parse(JSON.stringify(judge(facts))),
  });
});

test.each([80, 100, 140])('every line of the terminal report fits %d columns', (width) => {
  for (const name of EXAMPLES) {
    const lines = render(stored(name), 'terminal', { colour: false, width }).split('\n');
    expect(lines.filter((line) => columnsOf(line) > width)).toEqual([]);
  }
});

test('colour changes nothing but the colour', () => {
  for (const name of EXAMPLES) {
    const coloured = render(stored(name), 'terminal', { colour: true, width: 80 });
    expect(coloured).toContain('\u001b[');
    expect(stripVTControlCharacters(coloured)).toBe(render(stored(name), 'terminal'));
  }
});

test('the first screen names the migration, its blocker, how many queued and for how long', () => {
  const screen = render(stored('postgres-add-column-behind-long-read'), 'terminal')
    .split('\n')
    .slice(0, 25)
    .join('\n');
  expect(screen).toMatch(/^FAIL {2}postgres-add-column-behind-long-read/);
  expect(screen).toContain('alter table orders add column tax_rate');
  const words = screen.replace(/\s+/g, ' ');
  expect(words).toMatch(/session 18201 \(drill: long reader on orders for 6000 ms\),.* held orders/);
  expect(words).toContain('the migration (20260301090000_add_tax_rate.sql:2) waited 4.94 s');
  expect(words).toContain(
    '10 operations behind it in the database (5 get_order, 4 orders_of_customer, 1 place_order), up to 4.99 s',
  );
  expect(words).toContain('417 operations at once in the queue');
  expect(words).toContain('budget 500 ms');
});

test('what queued behind the statement is what the load timed itself: as many slow operations, and their time', () => {
  const facts = stored('postgres-add-column-behind-long-read');
  if ('notMeasured' in facts.load) throw new Error('the stored recording has a load');
  const slow = facts.load.latencies
    .filter(({ kind }) => kind === 'service')
    .flatMap(({ histogram }) => histogram.filter(([microseconds]) => microseconds > 1_000_000));
  const operations = slow.reduce((sum, [, times]) => sum + times, 0);
  const tookMs = slow.reduce((sum, [microseconds, times]) => sum + (microseconds * times) / 1000, 0);
  const [behind] = blockedApplication(facts)?.statements ?? [];
  expect(behind).toMatchObject({
    operations: { lower: operations, upper: operations },
    roots: [{ owner: 'drill', sessionId: 18201 }],
  });
  const lostMs = behind?.lostMs;
  if (lostMs === undefined || 'notMeasured' in lostMs) throw new Error('the time lost is measured');
  expect(lostMs.lower).toBeLessThanOrEqual(tookMs);
  expect(lostMs.upper).toBeGreaterThanOrEqual(tookMs);
});

test('the timeline of the terminal stands above its windows, column for column', () => {
  const lines = render(stored('postgres-add-column-behind-long-read'), 'terminal').split('\n');
  const windows = lines.find((line) => line.includes('|baseline')) ?? '';
  const highest = lines.find((line) => line.includes('██')) ?? '';
  const migrationAt = windows.indexOf('|migration');
  expect(migrationAt).toBeGreaterThan(10);
  expect(Math.abs(highest.indexOf('█') - migrationAt)).toBeLessThanOrEqual(1);
  expect(lines.find((line) => /^migration +W/.test(line))?.indexOf('W')).toBe(migrationAt);
});

test('a migration that failed halfway is told statement by statement: what stays, what failed, what was not run', () => {
  const facts = stored('mysql-half-applied-migration');
  const screen = render(facts, 'terminal').split('\n').slice(0, 25).join(' ').replace(/\s+/g, ' ');
  expect(screen).toMatch(/^FAIL mysql-half-applied-migration/);
  expect(screen).toContain("failed at line 3: Check constraint 'orders_small_total' is violated (3819)");
  expect(screen).toContain('line 1 took effect and stays: alter table orders add column net_total');
  expect(screen).toContain('line 2 took effect and stays: alter table orders add column tax_total');
  const rows = render(facts, 'markdown').match(/^\| `\d: alter table orders .*$/gm) ?? [];
  expect(rows.map((row) => row.split(' | ').at(-1))).toEqual([
    'took effect |',
    'took effect |',
    'failed, 3819 |',
    'not run |',
  ]);
});

test('the migration that stepped out of the queue is told with its attempts', () => {
  const text = render(stored('postgres-add-column-with-lock-timeout'), 'terminal').replace(/\s+/g, ' ');
  expect(text).toMatch(/^PASS postgres-add-column-with-lock-timeout/);
  expect(text).toContain('4 attempts gave up at the lock timeout before attempt 5 was applied');
  expect(text).toContain('then gave up at its lock timeout');
});

test('the stored recordings tell nothing of the machine but its size', () => {
  for (const name of EXAMPLES) {
    expect(readFileSync(example(name, 'recording.json'), 'utf8')).not.toMatch(
      /"(?:\/|[A-Z]:\\)|\/(?:home|root|tmp|usr|var|work|Users)\/|\d+\.\d+\.\d+\.\d+|password|\w+:\/\/\w/i,
    );
  }
});

test('the readme quotes the beginning of the report of the stored recording', () => {
  const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
  const quoted = /\$ npx rehearse run\n(FAIL[\s\S]*?\n)```/.exec(readme)?.[1] ?? '';
  expect(quoted.split('\n').length).toBeGreaterThan(30);
  const report = readFileSync(example('postgres-add-column-behind-long-read', 'report.txt'), 'utf8');
  expect(report.slice(0, quoted.length)).toBe(quoted);
});
