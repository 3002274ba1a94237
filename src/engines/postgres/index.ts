/** Postgres 10 to 18. */
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

export const postgres: Engine = {
  name: 'postgres',
  flavors: ['postgres'],
  capabilities: {
    transactionalDdl: true,
    multiStatementMessage: true,
    fractionalLockTimeout: true,
    separateIndexFiles: true,
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
