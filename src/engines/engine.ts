/**
 * An engine is a database dialect with its catalogs: a folder behind this interface. What differs between engines is
 * asked of `capabilities` (a named ability, or the reason why it is missing), never of the engine's name.
 */
import type { Ageing } from './ageing.ts';
import type { Canaries } from './canary.ts';
import type { Capture } from './capture.ts';
import type { ClauseAdvice } from './clauses.ts';
import type { Connections } from './connections.ts';
import type { Dialect } from './dialect.ts';
import type { Dumps } from './dumps.ts';
import type { Filling } from './filling.ts';
import type { LoadProgram } from './load-program.ts';
import type { Probing } from './probe.ts';
import type { ServerRecipe } from './recipe.ts';
import type { Replication } from './replication.ts';
import type { Reshaping } from './reshaping.ts';
import type { SchemaAccess } from './schema.ts';
import type { Upkeep } from './upkeep.ts';
import type { ObservedViews } from './views.ts';

export type * from './ageing.ts';
export * from './canary.ts';
export type * from './capture.ts';
export type * from './clauses.ts';
export * from './connections.ts';
export type * from './dialect.ts';
export type * from './dumps.ts';
export * from './filling.ts';
export type * from './journal.ts';
export type * from './load-program.ts';
export type * from './probe.ts';
export type * from './recipe.ts';
export type * from './replication.ts';
export * from './reshaping.ts';
export type * from './schema.ts';
export type * from './upkeep.ts';
export type * from './views.ts';

export interface Engine {
  readonly name: string;
  /** Dialects of this engine, the default one first: `postgres`; `mysql`, `mariadb`. */
  readonly flavors: readonly string[];
  readonly capabilities: Capabilities;
  /** Pure knowledge of the SQL text: no connection needed. */
  readonly dialect: Dialect;
  /** How a server of this engine is made, started and set; read by the provisioners. */
  readonly recipe: ServerRecipe;
  readonly connections: Connections;
  readonly schema: SchemaAccess;
  readonly filling: Filling;
  readonly ageing: Ageing;
  readonly dumps: Dumps;
  readonly reshaping: Reshaping;
  readonly views: ObservedViews;
  readonly canaries: Canaries;
  /** How the shape of a production database is read. */
  readonly capture: Capture;
  /** Left out where statements have no such clauses. */
  readonly clauses?: ClauseAdvice;
  /** How it is learned what a statement does, or why it cannot be. */
  readonly probing: Probing | { readonly missing: string };
  /** Left out where the server's own upkeep is nothing that a migration meets. */
  readonly upkeep?: Upkeep;
  /** How a replica is made, or why none can be. */
  readonly replication: Replication | { readonly missing: string };
  /** Load generators of others that speak with this engine (`load.generator`), by their names. */
  readonly loadPrograms: readonly LoadProgram[];
}

/** An ability is there (`true`), or it is missing for a reason that a report can print. */
export type Capability = true | { readonly missing: string };

export interface Capabilities {
  /** DDL can be rolled back with its transaction. */
  readonly transactionalDdl: Capability;
  /** Several statements may travel in one message. */
  readonly multiStatementMessage: Capability;
  /** Lock timeouts below one second can be set on the server. */
  readonly fractionalLockTimeout: Capability;
  /** Table and index bytes can be told apart on disk. */
  readonly separateIndexFiles: Capability;
  /** Some load generator of others can be driven in place of our own. */
  readonly loadPrograms: Capability;
}
