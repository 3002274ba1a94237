/**
 * Wear of a live system. A bulk load packs pages perfectly; in production updates and deletes in no order at all have left
 * dead rows, free space inside pages, and indexes with half-full pages.
 */
import type { Figure } from '../recording/figure.ts';
import type { Session } from './connections.ts';
import type { TableDescription } from './schema.ts';

export interface AgeingRequest {
  /** The superuser's. */
  readonly session: Session;
  readonly tables: readonly TableDescription[];
  /** Shares of each table's rows, 0..1. */
  readonly updateShare: number;
  readonly deleteShare: number;
  readonly randomSeed: number;
  /** Names of tables whose rows stay where they are; their statistics are taken with those of the others. */
  readonly spared?: ReadonlySet<string>;
  /** Called before each table. */
  readonly onTable: (table: string) => void;
}

export interface AgedTable {
  readonly table: string;
  /** Row versions written with the same values. */
  readonly updatedRows: number;
  /** Rows deleted and inserted again with the same values. */
  readonly reinsertedRows: number;
  /** Why the table is as the bulk load left it, or null. */
  readonly notAged: string | null;
}

export interface Bloat {
  /** Versions of rows that nobody can see any more and no vacuum or purge has taken away. */
  readonly deadRows: Figure;
  /** Share of the table's pages that holds nothing, 0..1. */
  readonly freeShare: Figure;
}

export interface Ageing {
  /**
   * Updates and deletes in random order, over rows with all their indexes in place. The rows and their values are the same
   * afterwards; no trigger fires and no foreign key cascades.
   */
  age(request: AgeingRequest): Promise<readonly AgedTable[]>;
  /** By TableDescription.name. */
  bloat(session: Session, tables: readonly TableDescription[]): Promise<ReadonlyMap<string, Bloat>>;
}
