/** What the seeder and the load see of the generators. */
export { createGenerators } from './compile.ts';
export { estimateBytes } from './estimate.ts';
export type { GeneratorSpec, TableGenerator, TableSpec } from './generator.ts';
export { fillingOrder, planRows, planSpec, profilePart } from './plan.ts';
export { productionDistinct } from './profiled/column.ts';
