/** What is left in the database of each statement that was sent: pure, from the statements and how the send ended. */
import type { Dialect } from '../engines/engine.ts';
import type { StatementRecord } from '../recording/recording.ts';

export type Effect = StatementRecord['effect'];

export interface SentStatement {
  readonly text: string;
  readonly outcome: StatementRecord['outcome'];
  readonly error?: StatementRecord['error'];
}

export interface SendContext {
  /** A transaction was opened around all of them. */
  readonly bracketed: boolean;
  /** They travelled as one message, which a server with transactional DDL takes as one transaction. */
  readonly oneMessage: boolean;
  /** How the last open transaction ended; `unknown` when the connection was lost. */
  readonly ending: 'committed' | 'rolled back' | 'unknown';
  /** False where DDL commits by itself, and whatever was open with it. */
  readonly transactionalDdl: boolean;
}

export interface Effects {
  /** One per statement, in order. */
  readonly effects: readonly Effect[];
  /** A transaction that the statements opened themselves was not closed by them. */
  readonly leftOpen: boolean;
}

const EFFECT_OF_ENDING = {
  committed: 'took effect',
  'rolled back': 'rolled back',
  unknown: 'unknown',
} as const;

/** Follows the transactions that the statements open and close themselves. */
export function effectsOf(
  statements: readonly SentStatement[],
  context: SendContext,
  dialect: Dialect,
): Effects {
  const effects: Effect[] = statements.map(() => 'none');
  const implicit = context.oneMessage && statements.length > 1 && context.transactionalDdl;
  let open: 'no' | 'around' | 'own' = context.bracketed || implicit ? 'around' : 'no';
  let undecided: number[] = [];
  const decide = (effect: Effect): void => {
    for (const index of undecided) effects[index] = effect;
    undecided = [];
  };
  for (const [index, { text, outcome, error }] of statements.entries()) {
    if (outcome === 'not run') continue;
    // What the server could not even read commits nothing.
    const unread = outcome === 'failed' && (dialect.isSyntaxError?.(error?.code ?? null) ?? false);
    const commitsItself = !context.transactionalDdl && !unread && dialect.kindOf(text) === 'ddl';
    if (commitsItself) decide('took effect');
    if (outcome === 'failed') {
      effects[index] = failedEffect(text, open !== 'no' && !commitsItself, context.ending, dialect);
      continue;
    }
    const control = transactionControl(text, dialect);
    undecided.push(index);
    if (control.ends !== null) decide(control.ends);
    if (control.opens) open = 'own';
    else if (commitsItself || control.ends !== null) open = implicit ? 'around' : 'no';
    if (commitsItself || (open === 'no' && control.ends === null)) decide('took effect');
  }
  decide(EFFECT_OF_ENDING[context.ending]);
  return { effects, leftOpen: open === 'own' && !context.bracketed };
}

function failedEffect(text: string, open: boolean, ending: SendContext['ending'], dialect: Dialect): Effect {
  if (ending === 'unknown') return 'unknown';
  if (open) return 'rolled back';
  // It works in transactions of its own and may leave some of them behind (an invalid index).
  return dialect.refusesTransaction(text) ? 'unknown' : 'none';
}

interface TransactionControl {
  readonly opens: boolean;
  /** What becomes of the statements before it. */
  readonly ends: 'took effect' | 'rolled back' | null;
}

/** True when the statement opens or ends a transaction; savepoints and prepared transactions do neither. */
export function controlsTransaction(text: string, dialect: Dialect): boolean {
  const { opens, ends } = transactionControl(text, dialect);
  return opens || ends !== null;
}

function transactionControl(text: string, dialect: Dialect): TransactionControl {
  if (dialect.kindOf(text) !== 'transaction') return { opens: false, ends: null };
  const words = dialect.blank(text).trim().replace(/\s+/g, ' ').toLowerCase();
  if (/^(begin|start transaction)\b/.test(words)) return { opens: true, ends: null };
  const opens = /\band chain\b/.test(words);
  if (/^(commit|end)\b(?! prepared)/.test(words)) return { opens, ends: 'took effect' };
  if (/^(rollback|abort)\b(?!.* (to|prepared)\b)/.test(words)) return { opens, ends: 'rolled back' };
  return { opens: false, ends: null };
}
