/**
 * Which metadata locks keep a request waiting. The view metadata_locks pairs every pending request with every granted
 * lock of the object, readers with readers too; only these matrices tell who really blocks whom.
 *
 * Source: sql/mdl.cc, m_object_lock_strategy and m_scoped_lock_strategy, the default priorities (max_write_lock_count is
 * practically infinite); MariaDB has the same for objects and schemas, and kinds of its own for BACKUP.
 */

export interface MetadataLock {
  /** OBJECT_TYPE of the view: TABLE, SCHEMA, GLOBAL, BACKUP LOCK, USER LEVEL LOCK... */
  readonly objectType: string;
  /** LOCK_TYPE of the view: SHARED_READ, EXCLUSIVE... */
  readonly mode: string;
  readonly granted: boolean;
}

type Matrix = Readonly<Record<string, readonly string[]>>;

const ALL_SHARED = [
  'SHARED',
  'SHARED_HIGH_PRIO',
  'SHARED_READ',
  'SHARED_WRITE',
  'SHARED_WRITE_LOW_PRIO',
  'SHARED_UPGRADABLE',
  'SHARED_READ_ONLY',
  'SHARED_NO_WRITE',
  'SHARED_NO_READ_WRITE',
];

/** Granted locks on an object that a request cannot go together with. */
const GRANTED: Matrix = {
  SHARED: ['EXCLUSIVE'],
  SHARED_HIGH_PRIO: ['EXCLUSIVE'],
  SHARED_READ: ['SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_WRITE: ['SHARED_READ_ONLY', 'SHARED_NO_WRITE', 'SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_WRITE_LOW_PRIO: ['SHARED_READ_ONLY', 'SHARED_NO_WRITE', 'SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_UPGRADABLE: ['SHARED_UPGRADABLE', 'SHARED_NO_WRITE', 'SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_READ_ONLY: ['SHARED_WRITE', 'SHARED_WRITE_LOW_PRIO', 'SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_NO_WRITE: [
    'SHARED_WRITE',
    'SHARED_WRITE_LOW_PRIO',
    'SHARED_UPGRADABLE',
    'SHARED_NO_WRITE',
    'SHARED_NO_READ_WRITE',
    'EXCLUSIVE',
  ],
  SHARED_NO_READ_WRITE: [...ALL_SHARED.slice(2), 'EXCLUSIVE'],
  EXCLUSIVE: [...ALL_SHARED, 'EXCLUSIVE'],
};

/** Requests on an object that wait already and go first: a pending EXCLUSIVE holds up every later reader. */
const PENDING: Matrix = {
  SHARED: ['EXCLUSIVE'],
  SHARED_HIGH_PRIO: [],
  SHARED_READ: ['SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_WRITE: ['SHARED_NO_WRITE', 'SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_WRITE_LOW_PRIO: ['SHARED_READ_ONLY', 'SHARED_NO_WRITE', 'SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_UPGRADABLE: ['EXCLUSIVE'],
  SHARED_READ_ONLY: ['SHARED_WRITE', 'SHARED_NO_READ_WRITE', 'EXCLUSIVE'],
  SHARED_NO_WRITE: ['EXCLUSIVE'],
  SHARED_NO_READ_WRITE: ['EXCLUSIVE'],
  EXCLUSIVE: [],
};

/** Locks on a whole scope: the server, a schema, a tablespace. */
const SCOPE_GRANTED: Matrix = {
  INTENTION_EXCLUSIVE: ['SHARED', 'EXCLUSIVE'],
  SHARED: ['INTENTION_EXCLUSIVE', 'EXCLUSIVE'],
  EXCLUSIVE: ['INTENTION_EXCLUSIVE', 'SHARED', 'EXCLUSIVE'],
};
const SCOPE_PENDING: Matrix = {
  INTENTION_EXCLUSIVE: ['SHARED', 'EXCLUSIVE'],
  SHARED: ['EXCLUSIVE'],
  EXCLUSIVE: [],
};

const SCOPES = new Set(['GLOBAL', 'SCHEMA', 'COMMIT', 'TABLESPACE', 'BACKUP LOCK']);

/**
 * MariaDB's own kinds on its BACKUP scope: statements take DML, TRANS_DML, SYS_DML, DDL, ALTER_COPY and COMMIT, FLUSH TABLES
 * WITH READ LOCK the two of its name, BACKUP STAGE and mariadb-backup the others. Source: sql/mdl.cc, MDL_backup_lock.
 */
const BACKUP_GRANTED: Matrix = {
  START: ['START', 'FLUSH', 'WAIT_FLUSH', 'WAIT_DDL', 'WAIT_COMMIT', 'BLOCK_DDL'],
  FLUSH: ['START'],
  WAIT_FLUSH: ['START', 'DML'],
  WAIT_DDL: ['START', 'DML', 'DDL'],
  WAIT_COMMIT: ['START', 'DML', 'SYS_DML', 'DDL', 'COMMIT'],
  FTWRL1: ['DML', 'TRANS_DML', 'SYS_DML', 'DDL', 'ALTER_COPY'],
  FTWRL2: ['DML', 'TRANS_DML', 'SYS_DML', 'DDL', 'ALTER_COPY', 'COMMIT'],
  DML: ['FLUSH', 'WAIT_FLUSH', 'WAIT_DDL', 'WAIT_COMMIT', 'FTWRL1', 'FTWRL2'],
  TRANS_DML: ['FTWRL1', 'FTWRL2'],
  SYS_DML: ['WAIT_COMMIT', 'FTWRL1', 'FTWRL2'],
  DDL: ['WAIT_DDL', 'WAIT_COMMIT', 'FTWRL1', 'FTWRL2', 'BLOCK_DDL'],
  BLOCK_DDL: ['START', 'FLUSH', 'WAIT_FLUSH', 'WAIT_DDL', 'WAIT_COMMIT', 'BLOCK_DDL', 'DDL'],
  ALTER_COPY: ['FTWRL1', 'FTWRL2'],
  COMMIT: ['WAIT_COMMIT', 'FTWRL2'],
};
/** What statements wait for goes first even while it waits itself. */
const BACKUP_PENDING: Matrix = {
  START: ['FLUSH', 'WAIT_FLUSH', 'WAIT_DDL', 'WAIT_COMMIT', 'BLOCK_DDL'],
  DML: BACKUP_GRANTED.DML ?? [],
  TRANS_DML: BACKUP_GRANTED.TRANS_DML ?? [],
  SYS_DML: BACKUP_GRANTED.SYS_DML ?? [],
  DDL: BACKUP_GRANTED.DDL ?? [],
  BLOCK_DDL: ['START'],
  ALTER_COPY: BACKUP_GRANTED.ALTER_COPY ?? [],
  COMMIT: BACKUP_GRANTED.COMMIT ?? [],
};
const BACKUP = /^BACKUP_/;

/** True when `other`, a lock of another session on the same object, keeps `request` waiting. */
export function blocks(other: MetadataLock, request: MetadataLock): boolean {
  const [granted, pending] = matricesOf(request);
  const matrix = other.granted ? granted : pending;
  return matrix[request.mode.replace(BACKUP, '')]?.includes(other.mode.replace(BACKUP, '')) ?? false;
}

function matricesOf({ objectType, mode }: MetadataLock): readonly [granted: Matrix, pending: Matrix] {
  if (BACKUP.test(mode)) return [BACKUP_GRANTED, BACKUP_PENDING];
  return SCOPES.has(objectType) ? [SCOPE_GRANTED, SCOPE_PENDING] : [GRANTED, PENDING];
}
