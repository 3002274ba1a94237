/** SQL, messages and names are foreign text: nothing in them may steer a terminal or turn into markup. */

// Control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls and invisible characters:
// all of them can hide or rewrite what is shown. See Unicode TR 36 and CVE-2021-42574.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line of text that is safe on a terminal: white space becomes a space, other controls become visible. */
export function safeText(text: string): string {
  return text.replace(/\s+/g, ' ').replace(UNSAFE, visible).trim();
}

function visible(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** Text for a paragraph or a table cell of markdown: no markup, no HTML, no mention of a user or an issue. */
export function markdownText(text: string): string {
  return safeText(text)
    .replace(/[&<>]/g, (character) => ENTITIES[character] ?? '')
    .replace(/[\\`*[\]|~$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
    .replace(/[@#](?=[\p{L}\p{N}])/gu, `$&${BREAK}`)
    .replace(/^[-+=#]/, '\\$&')
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2')
    .replace(/:\/\//g, `:${BREAK}//`)
    .replace(/www\./gi, (found) => `${found.slice(0, -1)}${BREAK}.`);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** Nothing to a reader, and the end of a mention, a link or an issue number to GitHub. */
const BREAK = '<!-- -->';

/** Text as a code span. In the cell of a table a bar would end the cell even inside of a span. */
export function markdownCode(text: string, where: 'text' | 'cell'): string {
  const line = where === 'cell' ? safeText(text).replaceAll('|', '\\|') : safeText(text);
  if (line === '') return '';
  const longestRun = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longestRun + 1);
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${line}${pad}${fence}`;
}

/** Cuts text to a number of columns, with a mark where something is missing. */
export function shortened(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}
