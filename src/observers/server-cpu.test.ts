import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../engines/engine.ts';
import { countServerCpu } from './server-cpu.ts';

/** Works, says so, and stays. */
const WORK = 'for (let i = 0; i < 3e7; i += 1); console.log("done"); setInterval(() => {}, 1000)';
let folder: string;
let other: string;
let child: ReturnType<typeof spawn>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'server-cpu-'));
  other = await mkdtemp(join(tmpdir(), 'server-cpu-'));
  child = spawn(process.execPath, ['-e', WORK], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
});

afterAll(async () => {
  const exited = once(child, 'exit');
  child.kill();
  await exited;
  for (const each of [folder, other]) await rm(each, { recursive: true });
});

const session = (): Session => ({ id: child.pid }) as Session;

test.runIf(process.platform === 'linux')('what a process that works in the data directory has used', () => {
  const cpu = countServerCpu(folder);
  cpu.add([session(), session()]);
  const figure = cpu.figure();
  if (figure === null || 'notMeasured' in figure) throw new Error('it was not seen');
  expect(figure.lower).toBeGreaterThan(10);
  cpu.add([session()]);
  expect(cpu.figure()).toMatchObject({ source: expect.stringContaining('server processes') });
});

test('nothing is said of processes elsewhere, of one that is gone, of none, and where no folder is seen', () => {
  const of = (dataDirectory: string | null, sessions: readonly Session[]) => {
    const cpu = countServerCpu(dataDirectory);
    cpu.add(sessions);
    return cpu.figure();
  };
  expect(of(other, [session()])).toBeNull();
  expect(of(null, [session()])).toBeNull();
  expect(of(folder, [])).toBeNull();
  expect(of(folder, [session(), { id: 2 ** 22 + 1 } as Session])).toBeNull();
});
