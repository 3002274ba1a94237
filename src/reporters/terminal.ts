/** The report on a terminal: the first screen tells the whole story, the tables beneath it are the evidence. */
import { styleText } from 'node:util';
import type { Finding, Verdict } from '../checks/check.ts';
import { type ChartLine, timeline } from './chart.ts';
import { safeText, shortened } from './escape.ts';
import { type Fact, factsOf, notMeasuredOf, subtitle } from './facts.ts';
import { detailsInWords, sentence, verdictInWords } from './format.ts';
import { columnsOf, hanging, tableLines, wrapped } from './layout.ts';
import type { RenderOptions, Report, Reporter } from './reporter.ts';
import { storyOf } from './story.ts';
import { tablesOf } from './tables.ts';

export const terminal: Reporter = {
  name: 'terminal',
  fileName: 'report.txt',
  render(report, options) {
    const paper = paperOf(options);
    const held = report.judgement.findings.filter(({ verdict }) => verdict === 'pass');
    const others = report.judgement.findings.filter(({ verdict }) => verdict !== 'pass');
    const calm = others.length === 0;
    const sections = [
      titleLines(report, paper),
      findingLines(calm ? held : others, paper),
      storyLines(report, paper),
      chartLines(report, paper),
      findingLines(calm ? [] : held, paper),
      remedyLines(report, paper),
      ...tableSections(report, paper),
      factLines('Not measured', notMeasuredOf(report.recording), paper),
      noteLines(report, paper),
      factLines('How it was run', factsOf(report.recording), paper),
    ];
    return `${sections
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join('\n'))
      .join('\n\n')}\n`;
  },
};

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta';

interface Paper {
  readonly width: number;
  /** Styles the text, or leaves it as it is. */
  readonly ink: (text: string, ...styles: readonly Style[]) => string;
}

/** The table of the load needs this much; a narrower terminal wraps it. */
const NARROWEST = 80;
const WIDEST = 140;
const DETAILS_SHOWN = 5;
/** Beside a longer label nothing would be left for the text, which then stands beneath it. */
const WIDEST_LABEL = 32;
const SQL_LINES = 2;

function paperOf({ colour, width }: RenderOptions): Paper {
  return {
    width: Math.min(WIDEST, Math.max(NARROWEST, width)),
    ink: (text, ...styles) => (colour ? styleText([...styles], text, { validateStream: false }) : text),
  };
}

const MARKS: Readonly<Record<Verdict, { readonly mark: string; readonly style: Style }>> = {
  pass: { mark: '✓', style: 'green' },
  inconclusive: { mark: '?', style: 'yellow' },
  fail: { mark: '✗', style: 'red' },
};

function titleLines({ recording, judgement }: Report, { ink, width }: Paper): readonly string[] {
  const verdict = verdictInWords(judgement.verdict);
  const [title = '', ...more] = hanging(`${verdict}  `, safeText(recording.scenario), width);
  const rest = title.slice(verdict.length);
  return [
    ink(verdict, 'bold', MARKS[judgement.verdict].style) + ink(rest, 'bold'),
    ...more,
    ...hanging('', safeText(subtitle(recording)), width).map((line) => ink(line, 'dim')),
  ];
}

/** The name of the check stands at the end, for `rehearse checks ID`. */
function findingLines(findings: readonly Finding[], paper: Paper): readonly string[] {
  return findings.flatMap((finding) => {
    const { mark, style } = MARKS[finding.verdict];
    const text = `${safeText(sentence(finding))} [${finding.checkId}]`;
    const [first = '', ...more] = hanging(`${mark} `, text, paper.width).map((line) =>
      line.replace(/\[[a-z0-9-]+\]$/, (id) => paper.ink(id, 'dim')),
    );
    const marked = paper.ink(mark, 'bold', style) + first.slice(mark.length);
    return [marked, ...more, ...detailLines(finding, paper)];
  });
}

function detailLines(finding: Finding, { ink, width }: Paper): readonly string[] {
  const text = safeText(detailsInWords(finding, DETAILS_SHOWN));
  return text === '' ? [] : hanging('  ', text, width).map((line) => ink(line, 'dim'));
}

function storyLines({ recording }: Report, { ink, width }: Paper): readonly string[] {
  const links = storyOf(recording);
  if (links.length === 0) return [];
  const lines = links.flatMap(({ text, sql }, depth) => {
    const arrow = depth === 0 ? '  ' : `${'   '.repeat(depth - 1)}  └─ `;
    const under = ' '.repeat(columnsOf(arrow));
    const code =
      sql === null ? '' : shortened(safeText(sql), (width - columnsOf(arrow)) * SQL_LINES - SQL_LINES);
    return [
      ...hanging(arrow, safeText(text), width),
      ...(code === '' ? [] : hanging(under, code, width).map((line) => ink(line, 'cyan'))),
    ];
  });
  return [heading('The longest wait', ink), ...lines];
}

const CHART_STYLE: Readonly<Record<ChartLine['kind'], Style>> = {
  response: 'cyan',
  windows: 'dim',
  migration: 'magenta',
  load: 'yellow',
  replica: 'yellow',
  failed: 'red',
  legend: 'dim',
};

function chartLines({ recording }: Report, { ink, width }: Paper): readonly string[] {
  const lines = timeline(recording, width);
  if (lines.length === 0) return [];
  return [
    heading('Slowest response, from the instant it was due', ink),
    ...lines.map(({ kind, label, text }) => ink(label, 'dim') + ink(text.trimEnd(), CHART_STYLE[kind])),
  ];
}

/** What to do about each check that did not pass. */
function remedyLines({ judgement, checks }: Report, { ink, width }: Paper): readonly string[] {
  const failed = new Set(
    judgement.findings.filter(({ verdict }) => verdict === 'fail').map(({ checkId }) => checkId),
  );
  const lines = checks
    .filter(({ id }) => failed.has(id))
    .flatMap(({ id, workaround }) => {
      const [first = '', ...more] = wrapped(`${id}: ${workaround}`, width - 4);
      return [`  ${first}`, ...more.map((line) => `    ${line}`)];
    });
  return lines.length === 0 ? [] : [heading('What to do', ink), ...lines];
}

function tableSections({ recording }: Report, { ink, width }: Paper): readonly (readonly string[])[] {
  return tablesOf(recording).map((table) => {
    const rows = table.rows.map((row) => row.map(safeCell));
    const lines = tableLines({ ...table, rows }, width - 2, (text) => ink(text, 'dim'));
    const note =
      table.note === null ? [] : hanging('  ', safeText(table.note), width).map((line) => ink(line, 'dim'));
    return [heading(table.title, ink), ...lines.map((line) => `  ${line}`), ...note];
  });
}

/** Keeps the indent that shows what belongs to what. */
function safeCell(cell: string): string {
  return (/^ */.exec(cell)?.[0] ?? '') + safeText(cell);
}

function factLines(title: string, facts: readonly Fact[], { ink, width }: Paper): readonly string[] {
  if (facts.length === 0) return [];
  const widths = facts.map(({ label }) => columnsOf(safeText(label)));
  const labelWidth = Math.max(0, ...widths.filter((columns) => columns <= WIDEST_LABEL));
  const lines = facts.flatMap(({ label, text }) => {
    const beside = columnsOf(safeText(label)) <= WIDEST_LABEL;
    const first = `  ${(beside ? safeText(label) : '').padEnd(labelWidth)}  `;
    return [
      ...(beside ? [] : hanging('  ', safeText(label), width)),
      ...hanging(first, safeText(text), width),
    ];
  });
  return [heading(title, ink), ...lines];
}

function noteLines({ recording: { notes } }: Report, { ink, width }: Paper): readonly string[] {
  if (notes.length === 0) return [];
  return [heading('Notes', ink), ...notes.flatMap((note) => hanging('  - ', safeText(note), width))];
}

function heading(title: string, ink: Paper['ink']): string {
  return ink(title, 'bold');
}
