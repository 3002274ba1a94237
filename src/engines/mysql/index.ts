/** MySQL 8.0 and later, and MariaDB 10.11 and later, which is a flavor of it. */
import type { Engine } from '../engine.ts';
import { ageing } from './ageing.ts';
import { capture } from './capture.ts';
import { connections } from './connections.ts';
import { dialect } from './dialect.ts';
import { dumps } from './dumps.ts';
import { filling } from './filling.ts';
import { recipe } from './recipe.ts';
import { reshaping } from './reshaping.ts';
import { schema } from './schema.ts';
import { views } from './views.ts';

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
  capture,
};
