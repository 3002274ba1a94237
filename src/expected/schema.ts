/** The form of expected.json. Unknown keys are errors. */
import { z } from 'zod';

const verdict = z.enum(['pass', 'inconclusive', 'fail']);
const owner = z.enum(['migration', 'load', 'canary', 'drill', 'observer', 'server', 'other']);

const BOUNDS = 'must be a number, or { "min": ..., "max": ... } with one of them or both';

/** A count or a figure: exactly a number, or between bounds, both inclusive. */
const bounds = z.union(
  [
    z.number(),
    z
      .strictObject({ min: z.number().optional(), max: z.number().optional() })
      .refine(({ min, max }) => min !== undefined || max !== undefined, { error: BOUNDS }),
  ],
  { error: BOUNDS },
);

const findingExpectation = z
  .strictObject({
    check: z.string(),
    verdict,
    /** Omitted: some finding of the check. */
    subject: z.string().optional(),
    /** At most one of these; its unit must be the finding's. The whole interval of a figure must lie within. */
    figureMs: bounds.optional(),
    figureBytes: bounds.optional(),
    figureCount: bounds.optional(),
    figureRatio: bounds.optional(),
    /** It may also be missing. */
    optional: z.boolean().optional(),
  })
  .refine((one) => Object.keys(one).filter((key) => key.startsWith('figure')).length <= 1, {
    error: 'has several figures: a finding has one, so keep the one in its unit',
  });

const stepExpectation = z.strictObject({
  version: z.string(),
  outcome: z.enum(['applied', 'failed', 'not run']),
  attempts: bounds.optional(),
  /** SQLSTATE or errno. */
  errorCode: z.string().nullable().optional(),
  /** What is left of each statement of the last attempt. */
  effects: z.array(z.enum(['took effect', 'rolled back', 'none', 'unknown'])).optional(),
});

/** Waits that have all of the named properties. */
const lockWaitExpectation = z.strictObject({
  waiter: owner.optional(),
  /** Who is at the root of the chain. */
  rootBlocker: owner.optional(),
  relation: z.string().nullable().optional(),
  mode: z.string().optional(),
  ended: z
    .enum([
      ...(['granted', 'lock timeout', 'statement timeout', 'cancelled'] as const),
      ...(['deadlock', 'still waiting', 'unknown'] as const),
    ])
    .optional(),
  /** How many; default: at least one. */
  count: bounds.optional(),
  /** The longest of them. */
  longestMs: bounds.optional(),
});

const factsExpectation = z.strictObject({
  /** Every step, in order. */
  steps: z.array(stepExpectation).optional(),
  lockWaits: z.array(lockWaitExpectation).optional(),
  /** By SQLSTATE or errno, or by outcome for what has none ("pool timeout"). Anything not listed must not occur. */
  failedOperations: z.record(z.string(), bounds).optional(),
  /** In the migration window and after it. */
  operationsWaitedInPool: bounds.optional(),
  /** What statements did to relations; each must be there. */
  changes: z.array(z.strictObject({ relation: z.string(), algorithm: z.string().nullable() })).optional(),
});

const expectation = z.strictObject({
  verdict,
  findings: z.array(findingExpectation).optional(),
  facts: factsExpectation.optional(),
});

const KEY = /^[a-z]+(:\d+(\.\d+)*)?$/;
export const expectedSchema = z.record(
  z
    .string()
    .regex(KEY, 'must be a dialect, or one with a version: write for example postgres or postgres:18'),
  expectation,
);

export type Expected = z.output<typeof expectedSchema>;
export type Bounds = z.output<typeof bounds>;
export type FindingExpectation = z.output<typeof findingExpectation>;
export type Facts = z.output<typeof factsExpectation>;
