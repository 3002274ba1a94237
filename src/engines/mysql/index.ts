/** MySQL 8.0 and later, and MariaDB 10.11 and later, which is a flavor of it. */
import type { Engine } from '../engine.ts';
import { capture } from './capture/capture.ts';
import { connections } from './connections/connections.ts';
import { dumps } from './dumps/dumps.ts';
import { reshaping } from './dumps/reshaping.ts';
import { ageing } from './filling/ageing.ts';
import { filling } from './filling/filling.ts';
import { probing } from './probe/probe.ts';
import { clauses } from './probe/refused.ts';
import { replication } from './replication/replication.ts';
import { schema } from './schema/schema.ts';
import { recipe } from './server/recipe.ts';
import { dialect } from './text/dialect.ts';
import { canaries } from './views/canaries.ts';
import { views } from './views/views.ts';

export const mysql: Engine = {
  name: 'mysql',
  flavors: ['mysql', 'mariadb'],
  capabilities: {
    transactionalDdl: {
      missing:
        'every DDL statement commits by itself, and with it what was open before: a migration can be half applied',
    },
    multiStatementMessage: true,
    fractionalLockTimeout: {
      missing:
        'lock_wait_timeout and innodb_lock_wait_timeout take whole seconds; only our own runner can keep a fraction',
    },
    separateIndexFiles: {
      missing: 'InnoDB keeps a table and its indexes in one file',
    },
    loadPrograms: {
      missing:
        'pgbench speaks with Postgres alone: leave load.generator out, our own load drives MySQL and MariaDB',
    },
  },
  dialect,
  recipe,
  connections,
  schema,
  filling,
  ageing,
  dumps,
  reshaping,
  views,
  canaries,
  capture,
  probing,
  replication,
  clauses,
  loadPrograms: [],
};
