/**
 * Settings that change how a server runs and nothing of what it stores: data filled without them is the same, so a
 * snapshot serves them too. What is not listed here counts as changing the data: a needless filling costs minutes, a
 * snapshot of other data costs the truth. https://www.postgresql.org/docs/current/runtime-config.html
 */
const FAMILIES =
  /^(?:autovacuum|auto_explain|bgwriter|checkpoint|cpu|effective|enable|geqo|hash_mem|idle|io|jit|log|logging|max|min_parallel|parallel|pg_stat_statements|random_page|recovery|seq_page|ssl|syslog|tcp|track|vacuum_cost|wal)_/;

const ALONE = new Set([
  ...['shared_buffers', 'work_mem', 'maintenance_work_mem', 'autovacuum', 'temp_buffers', 'huge_pages'],
  ...['fsync', 'full_page_writes', 'synchronous_commit', 'commit_delay', 'commit_siblings', 'jit'],
  ...['statement_timeout', 'lock_timeout', 'deadlock_timeout', 'transaction_timeout'],
  ...['authentication_timeout', 'archive_mode', 'archive_command', 'archive_timeout', 'summarize_wal'],
  ...['hot_standby', 'hot_standby_feedback', 'superuser_reserved_connections', 'reserved_connections'],
  ...['application_name', 'client_min_messages', 'backend_flush_after', 'old_snapshot_threshold'],
]);

/** In these families, and yet a setting that decides what is stored. */
const STORED = new Set(['track_commit_timestamp', 'wal_log_hints', 'max_identifier_length']);

export function isRuntimeSetting(name: string): boolean {
  const plain = name.toLowerCase();
  return !STORED.has(plain) && (ALONE.has(plain) || FAMILIES.test(plain));
}
