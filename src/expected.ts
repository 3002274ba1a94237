/**
 * expected.json: what a scenario is known to end in. It makes a scenario a test of the harness itself.
 *
 * Keyed by dialect, with a version where the outcome depends on it: `postgres`, `postgres:18`, `mysql:8.0`; the most
 * specific key that fits the server counts, alone. Names are exact, figures have bounds. A finding that is not `pass`
 * and is not listed is a difference, so that neither a new failure nor something unmeasured goes by unseen.
 */
import type { z } from 'zod';
import type { Judgement } from './checks/check.ts';
import { UsageError } from './errors.ts';
import { factDifferences } from './expected/facts.ts';
import { findingDifferences } from './expected/findings.ts';
import { type Expected, expectedSchema } from './expected/schema.ts';
import type { Recording } from './recording/recording.ts';

export type { Expected } from './expected/schema.ts';

export interface Comparison {
  readonly met: boolean;
  /** One sentence each: what was expected and what was found. */
  readonly differences: readonly string[];
}

/** Parses the text of an expected.json; `file` is named in the message of the UsageError. */
export function parseExpected(text: string, file: string): Expected {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${file}: not valid JSON: correct it`, { cause });
  }
  const parsed = expectedSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    return `${file}: ${path === '' ? '' : `${path}: `}${issueText(issue)}`;
  });
  throw new UsageError(lines.join('\n'));
}

function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}: correct or remove it`;
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join(', ');
  return issue.message;
}

/** Holds a recording and its judgement against what the scenario expects. Pure. */
export function compareWithExpected(
  recording: Recording,
  judgement: Judgement,
  expected: Expected,
): Comparison {
  const server = recording.servers.find(({ role }) => role === 'rehearsal');
  if (server === undefined) return { met: false, differences: ['the recording names no server'] };
  const wanted = mostSpecific(expected, server.flavor, server.version);
  if (wanted === null)
    return {
      met: false,
      differences: [
        `nothing is expected of ${server.flavor} ${server.version}: add a key "${server.flavor}"`,
      ],
    };
  const differences = [
    ...endingDifferences(recording),
    ...(judgement.verdict === wanted.verdict
      ? []
      : [`the verdict is ${judgement.verdict}, expected ${wanted.verdict}`]),
    ...findingDifferences(judgement.findings, wanted.findings ?? []),
    ...factDifferences(recording, wanted.facts ?? {}),
  ];
  return { met: differences.length === 0, differences };
}

function mostSpecific(expected: Expected, flavor: string, version: string) {
  const number = /\d+(\.\d+)*/.exec(version)?.[0] ?? '';
  const fitting = Object.keys(expected).filter((key) => {
    const [dialect, wanted] = key.split(':');
    return dialect === flavor && (wanted === undefined || `${number}.`.startsWith(`${wanted}.`));
  });
  const best = fitting.sort((one, other) => other.length - one.length)[0];
  return best === undefined ? null : (expected[best] ?? null);
}

function endingDifferences({ ended }: Recording): readonly string[] {
  if (ended.how === 'completed') return [];
  const why = ended.how === 'failed' ? ended.message : ended.signal;
  return [`the rehearsal ${ended.how === 'failed' ? 'failed' : 'was interrupted'} in ${ended.phase}: ${why}`];
}
