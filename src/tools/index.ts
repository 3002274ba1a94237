/** The migration tools that are known, and what runs them. */
import { UsageError } from '../errors.ts';
import { dbmate } from './dbmate.ts';
import { drizzle } from './drizzle.ts';
import { flyway } from './flyway.ts';
import { golangMigrate } from './golang-migrate.ts';
import { plain } from './plain.ts';
import { prisma } from './prisma.ts';
import type { Tool } from './tool.ts';

export { type DetectedTool, detectTool } from './detect.ts';
export { findPending, type Pending, readMigrations } from './pending.ts';
export { type MigrationsRequest, type ReleasedRequest, runMigrations, runReleased } from './run.ts';
export { type NumberedStatement, sendsByPart } from './sends.ts';

/** Every tool; plain files last, since every other layout is made of .sql files too. */
export const tools: readonly Tool[] = [dbmate, golangMigrate, flyway, prisma, drizzle, plain];

/** The tool of this name; UsageError lists those that there are. */
export function findTool(name: string): Tool {
  const found = tools.find((tool) => tool.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `"${name}" is not a migration tool that is known here. Use one of: ${tools.map((tool) => tool.name).join(', ')}.`,
  );
}
