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
 * MariaDB's own kinds on its BACKUP scope: statements take the first ones among each other, a backup or FLUSH TABLES
 * WITH READ LOCK takes the others.
 */
const OF_STATEMENTS = new Set([
  'BACKUP_DML',
  'BACKUP_TRANS_DML',
  'BACKUP_SYS_DML',
  'BACKUP_DDL',
  'BACKUP_ALTER_COPY',
  'BACKUP_COMMIT',
]);

/** True when `other`, a lock of another session on the same object, keeps `request` waiting. */
export function blocks(other: MetadataLock, request: MetadataLock): boolean {
  if (request.mode.startsWith('BACKUP_'))
    return other.granted && !(OF_STATEMENTS.has(other.mode) && OF_STATEMENTS.has(request.mode));
  const scope = SCOPES.has(request.objectType);
  const matrix = other.granted ? (scope ? SCOPE_GRANTED : GRANTED) : scope ? SCOPE_PENDING : PENDING;
  return matrix[request.mode]?.includes(other.mode) ?? false;
}
