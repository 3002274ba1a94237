/** The server's own upkeep while a migration runs, for engines that have any to show. */
import type { Session } from './connections.ts';

export interface UpkeepReading {
  /** Null when nobody holds a snapshot. */
  readonly horizon: { readonly transactions: number; readonly holder: string } | null;
  readonly workers: readonly {
    readonly sessionId: number;
    readonly statement: string;
    readonly unyielding: boolean;
  }[];
}

/** As the statistics and catalogs have it between steps. */
export interface UpkeepState {
  readonly oldestRow: { readonly transactions: number; readonly limit: number } | null;
  /** By table. */
  readonly deadRows: ReadonlyMap<string, number>;
  /** By identity of the table; null where the observer may not read which columns have statistics. */
  readonly statistics: ReadonlyMap<string, TableStatistics> | null;
  readonly checkpoints: { readonly requested: number; readonly timed: number } | null;
}

export interface TableStatistics {
  readonly table: string;
  readonly columns: readonly string[];
  readonly analysed: readonly string[];
}

export interface UpkeepReader {
  readonly source: string;
  read(): Promise<UpkeepReading>;
  state(): Promise<UpkeepState>;
}

export interface Upkeep {
  /** On the two sessions of an observer; nothing that it asks waits for a lock. */
  openReader(cluster: Session, inside: Session): Promise<UpkeepReader>;
}
