/** How Flyway reads file names and compares versions (ResourceNameParser, MigrationVersion). */
import { UsageError } from '../errors.ts';
import { baseNameOf } from './tool.ts';

export interface FlywayName {
  readonly kind: 'versioned' | 'repeatable' | 'baseline' | 'undo';
  /** Dots for underscores; empty for a repeatable. */
  readonly version: string;
  readonly description: string;
}

const KINDS = { V: 'versioned', R: 'repeatable', B: 'baseline', U: 'undo' } as const;

/** Null for a file that Flyway takes for no migration; UsageError for one whose name it would refuse. */
export function parseFlywayName(path: string): FlywayName | null {
  const [, prefix, rest] = /^([VRBU])(.*)\.sql$/.exec(baseNameOf(path)) ?? [];
  if (prefix === undefined || rest === undefined) return null;
  const kind = KINDS[prefix as keyof typeof KINDS];
  const separator = rest.indexOf('__');
  // Callbacks such as Vacuum.sql begin with a letter of ours and have no separator.
  if (separator < 0 && !/^\d/.test(rest)) return null;
  const written = separator < 0 ? rest : rest.slice(0, separator);
  const description = separator < 0 ? '' : rest.slice(separator + 2).replaceAll('_', ' ');
  if (kind === 'repeatable') {
    if (written === '') return { kind, version: '', description };
    throw new UsageError(
      `${path}: Flyway allows no version in a repeatable migration. Name it R__${rest}.sql.`,
    );
  }
  const version = written.replaceAll('_', '.');
  if (!/^\d+(\.\d+)*$/.test(version)) {
    throw new UsageError(
      `${path}: Flyway cannot read the version "${written}". Name it ${prefix}1.2__description.sql.`,
    );
  }
  return { kind, version, description };
}

/** Number by number; a missing one counts as 0. */
export function compareVersions(one: string, other: string): number {
  const left = one.split('.');
  const right = other.split('.');
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [a, b] = [BigInt(left[index] || 0), BigInt(right[index] || 0)];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}
