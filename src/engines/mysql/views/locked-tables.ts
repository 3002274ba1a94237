/**
 * Tables of row locks that are gone before the server is asked what they are on. The number of a lock has that of the
 * tablespace in it, which a table or partition has for itself and which is never given again; of one lock that was told of
 * the tables of all others in the same tablespace are known. Measured on MySQL 9.7 (`trx:version:space:page:heap:lock`) and
 * MariaDB 10.11 and 11.8 (`trx:space:page:heap`); 8.4 has no version there, by its manual. Pure.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-data-locks-table.html
 */
import type { Flavor } from '../connections/client.ts';
import type { LockRow } from './row-wait-queries.ts';

export interface LockedTables {
  learn(lock: LockRow): void;
  /** The table of a row lock, by its number; undefined where no lock of its tablespace was told. */
  get(lockId: string): LockedTable | undefined;
  /** Tables may have got other names. */
  forget(): void;
}

export interface LockedTable {
  readonly schema: string | null;
  readonly table: string;
}

/** Tables of a general tablespace share it, as all do with innodb_file_per_table=OFF. */
const SHARED = 'several';
const ROW_LOCK: Readonly<Record<Flavor, RegExp>> = {
  mysql: /^\d+(?::\d+)?:(\d+):\d+:\d+:\d+$/,
  mariadb: /^\d+:(\d+):\d+:\d+$/,
};

export function createLockedTables(flavor: Flavor): LockedTables {
  const bySpace = new Map<string, LockedTable | typeof SHARED>();
  return {
    learn({ lock_id: lockId, schema, table }) {
      const space = spaceOf(flavor, lockId);
      if (space === undefined || table === null) return;
      const known = bySpace.get(space);
      const same =
        known === undefined || (known !== SHARED && known.schema === schema && known.table === table);
      bySpace.set(space, same ? { schema, table } : SHARED);
    },
    get(lockId) {
      const space = spaceOf(flavor, lockId);
      const known = space === undefined ? undefined : bySpace.get(space);
      return known === SHARED ? undefined : known;
    },
    forget: () => bySpace.clear(),
  };
}

function spaceOf(flavor: Flavor, lockId: string): string | undefined {
  return ROW_LOCK[flavor].exec(lockId)?.[1];
}
