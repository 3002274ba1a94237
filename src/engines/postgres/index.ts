/** Postgres 10 to 18. */
import type { Engine } from '../engine.ts';
import { capture } from './capture/capture.ts';
import { connections } from './connections/connections.ts';
import { dumps } from './dumps/dumps.ts';
import { reshaping } from './dumps/reshaping.ts';
import { ageing } from './filling/ageing.ts';
import { filling } from './filling/filling.ts';
import { pgbench } from './pgbench/pgbench.ts';
import { probing } from './probe/probe.ts';
import { replication } from './replication/replication.ts';
import { schema } from './schema/schema.ts';
import { recipe } from './server/recipe.ts';
import { dialect } from './text/dialect.ts';
import { canaries } from './views/canaries.ts';
import { upkeep } from './views/upkeep.ts';
import { views } from './views/views.ts';

export const postgres: Engine = {
  name: 'postgres',
  flavors: ['postgres'],
  capabilities: {
    transactionalDdl: true,
    multiStatementMessage: true,
    fractionalLockTimeout: true,
    separateIndexFiles: true,
    loadPrograms: true,
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
  upkeep,
  loadPrograms: [pgbench],
};
