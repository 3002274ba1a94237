/** The report for a pull request comment or a job summary: the verdict in sight, the evidence folded away. */
import type { Verdict } from '../checks/check.ts';
import { timeline } from './chart.ts';
import { markdownCode, markdownText, shortened } from './escape.ts';
import { type Fact, factsOf, notMeasuredOf, subtitle } from './facts.ts';
import { detailsInWords, sentence, verdictInWords } from './format.ts';
import type { Report, Reporter } from './reporter.ts';
import { storyOf } from './story.ts';
import { type Table, tablesOf } from './tables.ts';

/** Columns that a code block of a pull request comment shows without a scroll bar. */
const CHART_WIDTH = 90;
const DETAILS_SHOWN = 5;
/** A comment takes 65,536 characters; a statement may have millions, which the recording has. */
const CELL_CHARACTERS = 1_000;

const MARKS: Readonly<Record<Verdict, string>> = { pass: '✅', inconclusive: '❔', fail: '❌' };

export const markdown: Reporter = {
  name: 'markdown',
  fileName: 'report.md',
  render(report) {
    const { recording, judgement } = report;
    const sections = [
      `## ${MARKS[judgement.verdict]} ${verdictInWords(judgement.verdict)}: ${markdownText(recording.scenario)}`,
      markdownText(subtitle(recording)),
      findingsTable(report),
      story(report),
      folded('Timeline', chart(report)),
      folded('What to do', remedies(report)),
      ...tablesOf(recording).map((table) => folded(table.title, tableInMarkdown(table))),
      folded('Not measured', list(notMeasuredOf(recording))),
      folded('Notes', recording.notes.map((note) => `- ${markdownText(note)}`).join('\n')),
      folded('How it was run', list(factsOf(recording))),
    ];
    return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
  },
};

function findingsTable({ judgement: { findings } }: Report): string {
  if (findings.length === 0) return '';
  const rows = findings.map((finding) => {
    const more = markdownText(detailsInWords(finding, DETAILS_SHOWN));
    const text = `${markdownText(sentence(finding))}${more === '' ? '' : `<br><sub>${more}</sub>`}`;
    return `| ${MARKS[finding.verdict]} | ${markdownCode(finding.checkId, 'cell')} | ${text} |`;
  });
  return ['|   | check | finding |', '|---|---|---|', ...rows].join('\n');
}

function story({ recording }: Report): string {
  const links = storyOf(recording);
  if (links.length === 0) return '';
  const lines = links.map(({ text, sql }, depth) => {
    const code = sql === null ? '' : `: ${markdownCode(shortened(sql, CELL_CHARACTERS), 'text')}`;
    return `${'  '.repeat(depth)}- ${markdownText(text)}${code}`;
  });
  return ['**The longest wait**', '', ...lines].join('\n');
}

function chart({ recording }: Report): string {
  const lines = timeline(recording, CHART_WIDTH);
  if (lines.length === 0) return '';
  const text = lines.map(({ label, text: row }) => `${label}${row}`.trimEnd());
  return ['Slowest response, from the instant it was due:', '', '```text', ...text, '```'].join('\n');
}

function remedies({ judgement, checks }: Report): string {
  const failed = new Set(
    judgement.findings.filter(({ verdict }) => verdict === 'fail').map(({ checkId }) => checkId),
  );
  return checks
    .filter(({ id }) => failed.has(id))
    .map(({ id, workaround }) => `- ${markdownCode(id, 'text')}: ${markdownText(workaround)}`)
    .join('\n');
}

function tableInMarkdown({ head, rows, numeric, note }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(head.map(markdownText)),
    line(head.map((_, column) => (numeric.includes(column) ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(cellInMarkdown))),
    ...(note === null ? [] : ['', markdownText(note)]),
  ].join('\n');
}

/** An indented cell belongs to the row above it: SQL of a step. */
function cellInMarkdown(text: string): string {
  const cell = shortened(text, CELL_CHARACTERS);
  return cell.startsWith('  ') ? markdownCode(cell, 'cell') : markdownText(cell);
}

function list(facts: readonly Fact[]): string {
  return facts.map(({ label, text }) => `- ${markdownText(label)}: ${markdownText(text)}`).join('\n');
}

function folded(summary: string, content: string): string {
  if (content === '') return '';
  return `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}
