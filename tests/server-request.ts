/** A request for a server, as the pipeline makes it; the lines that were said are kept. */
import { findEngine } from '../src/engines/index.ts';
import type { ServerRequest } from '../src/provisioners/provisioner.ts';
import type { DatabasePlan } from '../src/scenario/plan.ts';

export function serverRequest(
  provision: string,
  database: Partial<DatabasePlan> = {},
): ServerRequest & { readonly said: readonly string[] } {
  const said: string[] = [];
  return {
    engine: findEngine('postgres'),
    role: 'rehearsal',
    say: (message) => said.push(message),
    said,
    database: {
      engine: 'postgres',
      flavor: 'postgres',
      version: null,
      provision,
      image: null,
      binary: null,
      url: null,
      expendable: false,
      settings: {},
      replica: false,
      ...database,
    },
  };
}
