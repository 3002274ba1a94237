/** The statements of production that the load repeats, and those that it cannot. Imports nothing but figures. */
import type { Figure } from './figure.ts';

export interface MixRecord {
  /** When the profile was captured, ISO 8601. */
  readonly capturedAt: string;
  /** Calls of every statement of the profile over the time they were counted in; null where that is not known. */
  readonly callsPerSecond: number | null;
  /** Where the rate of the load comes from. */
  readonly rateFrom: 'profile' | 'scenario' | 'default';
  /** Those with the most calls first. */
  readonly statements: readonly MixStatement[];
}

export interface MixStatement {
  /** As the profile has it. */
  readonly text: string;
  /** Of all calls of the profile's statements, 0..1. */
  readonly share: number;
  /** The operation that repeats it, or why none does. */
  readonly replayed: { readonly operation: string } | { readonly reason: string };
  /** Rows read or changed by a call, in production and here. */
  readonly rowsPerCall: { readonly production: number; readonly ours: Figure };
}
