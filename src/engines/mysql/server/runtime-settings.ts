/**
 * Settings that change how a server runs and nothing of what it stores: data filled without them is the same, so a
 * snapshot serves them too. What is not listed here counts as changing the data: a needless filling costs minutes, a
 * snapshot of other data costs the truth. https://dev.mysql.com/doc/refman/en/server-system-variables.html
 */
const FAMILIES =
  /^(?:binlog_cache|general_log|innodb_adaptive|innodb_buffer_pool|innodb_flush|innodb_io|innodb_log_buffer|innodb_lru|innodb_max_dirty|innodb_monitor|innodb_print|innodb_purge|innodb_read|innodb_redo|innodb_write|long_query|log_|max_connect|max_execution|net_|optimizer|performance_schema|slow_|sync_|table_definition|table_open|thread_)/;

const ALONE = new Set([
  ...[
    'lock_wait_timeout',
    'innodb_lock_wait_timeout',
    'innodb_deadlock_detect',
    'innodb_rollback_on_timeout',
  ],
  ...['wait_timeout', 'interactive_timeout', 'connect_timeout', 'max_allowed_packet', 'max_user_connections'],
  ...['innodb_doublewrite', 'innodb_fast_shutdown', 'innodb_thread_concurrency', 'innodb_log_file_size'],
  ...[
    'innodb_online_alter_log_max_size',
    'innodb_sort_buffer_size',
    'innodb_ddl_buffer_size',
    'innodb_ddl_threads',
  ],
  ...[
    'innodb_parallel_read_threads',
    'innodb_stats_auto_recalc',
    'innodb_use_native_aio',
    'innodb_page_cleaners',
  ],
  ...['tmp_table_size', 'max_heap_table_size', 'sort_buffer_size', 'join_buffer_size', 'read_buffer_size'],
  ...['read_rnd_buffer_size', 'key_buffer_size', 'open_files_limit', 'back_log', 'transaction_isolation'],
  ...['expire_logs_days', 'binlog_expire_logs_seconds', 'binlog_row_image', 'binlog_format', 'tx_isolation'],
]);

export function isRuntimeSetting(name: string): boolean {
  const plain = name
    .toLowerCase()
    .replaceAll('-', '_')
    .replace(/^loose_/, '');
  return ALONE.has(plain) || FAMILIES.test(plain);
}
