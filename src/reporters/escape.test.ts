import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markdownCode, markdownText, safeText, shortened } from './escape.ts';
import { columnsOf, hanging, tableLines, wrapped } from './layout.ts';

test('text becomes one line in which nothing steers the terminal', () => {
  expect(safeText('select 1\n  from\torders')).toBe('select 1 from orders');
  expect(safeText('a\u001b[2Jb\u0007\u009b1m')).toBe('a\\u{1b}[2Jb\\u{7}\\u{9b}1m');
  expect(safeText('abc\u202edef\u200b')).toBe('abc\\u{202e}def\\u{200b}');
});

test('no foreign text brings a control or an invisible character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      expect(safeText(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test('markdown of foreign text is text', () => {
  expect(markdownText('a|b *c* [d](e) <img> `f` ~g~')).toBe(
    'a\\|b \\*c\\* \\[d\\](e) &lt;img&gt; \\`f\\` \\~g\\~',
  );
  expect(markdownText('orders_status_idx _x_')).toBe('orders_status_idx \\_x\\_');
  expect(markdownText('# title')).toBe('\\# title');
  expect(markdownText('- item')).toBe('\\- item');
  expect(markdownText('1. item, 4.99 s')).toBe('1\\. item, 4.99 s');
  expect(markdownText('4.99 s')).toBe('4.99 s');
  expect(markdownText('&lt;')).toBe('&amp;lt;');
});

test('markdown of foreign text mentions nobody and links nowhere', () => {
  expect(markdownText('ask @octocat about #12 at https://example.org or www.example.org')).toBe(
    'ask @<!-- -->octocat about #<!-- -->12 at https:<!-- -->//example.org or www<!-- -->.example.org',
  );
});

test('a code span ends where its text ends, and a cell where its bar is ours', () => {
  expect(markdownCode('select `a` || `b`', 'text')).toBe('`` select `a` || `b` ``');
  expect(markdownCode('a || b', 'cell')).toBe('`a \\|\\| b`');
  expect(markdownCode('a``b', 'text')).toBe('```a``b```');
});

test('no text breaks out of a table cell', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('|', '\\', '`', '\n', '<', 'a', ' ') }), (text) => {
      expect(markdownCode(text, 'cell').replaceAll('\\|', '')).not.toContain('|');
      expect(markdownText(text)).not.toMatch(/(?<!\\)(?:\\\\)*\|/);
      expect(markdownText(text)).not.toMatch(/[\n<]/);
    }),
  );
});

test('shortened text shows that something is missing', () => {
  expect(shortened('abcdef', 6)).toBe('abcdef');
  expect(shortened('abcdefg', 6)).toBe('abcde…');
});

test('lines fit their width, whatever the words', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('a', '漢', 'é', '.') })),
      fc.integer({ min: 2, max: 40 }),
      (words, width) => {
        const text = words.join(' ');
        const lines = wrapped(text, width);
        for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      },
    ),
  );
});

test('a word that is too long is parted behind a seam where there is one near', () => {
  expect(wrapped('20260301090000_add_tax_rate.sql:2', 22)).toEqual(['20260301090000_add_', 'tax_rate.sql:2']);
  expect(wrapped('a_bcdefghijklmnop', 10)).toEqual(['a_bcdefghi', 'jklmnop']);
});

test('a column of prose gives way before a file name is broken', () => {
  const cells = { title: '', head: ['file', 'took', 'note'], numeric: [1], note: null };
  const rows = [['1_add_tax_rate.sql', '392 ms – 426 ms', 'five attempts, catalog only']];
  expect(tableLines({ ...cells, rows }, 55, (text) => text).slice(1)).toEqual([
    '1_add_tax_rate.sql  392 ms – 426 ms  five attempts,',
    '                                     catalog only',
  ]);
});

test('a number is never parted from its unit', () => {
  expect(wrapped('orders waited, budget 500 ms and more', 25)).toEqual([
    'orders waited, budget',
    '500 ms and more',
  ]);
  expect(hanging('x  ', 'one two', 6)).toEqual(['x  one', '   two']);
});
