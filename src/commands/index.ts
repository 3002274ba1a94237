/** Every command. A new one is one file and one line here. */
import { capture } from './capture.ts';
import { checksCommand } from './checks.ts';
import type { Command } from './command.ts';
import { doctor } from './doctor.ts';
import { init } from './init.ts';
import { judgeCommand } from './judge.ts';
import { reportCommand } from './report.ts';
import { run } from './run.ts';
import { seedCommand } from './seed.ts';
import { snapshotsCommand } from './snapshots.ts';

export const commands: readonly Command[] = [
  run,
  judgeCommand,
  reportCommand,
  init,
  capture,
  seedCommand,
  snapshotsCommand,
  doctor,
  checksCommand,
];
