/** Telling one process from a later one with the same number. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { execa } from 'execa';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, in whatever unit the system has; null when the system does not tell. */
  readonly startedAt: string | null;
}

/** The machine, and the time since it was switched on. */
export interface MachineIdentity {
  readonly hostname: string;
  readonly bootId: string | null;
}

const PS_TIMEOUT_MS = 5_000;

export async function identifyProcess(pid: number): Promise<ProcessIdentity> {
  return { pid, startedAt: await startOf(pid) };
}

export async function identifyMachine(): Promise<MachineIdentity> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null);
  return { hostname: hostname(), bootId: bootId?.trim() ?? null };
}

/** True while that very process runs; one that has ended but was not yet collected by its parent does not. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  if (!hasProcess(identity.pid)) return false;
  const startedAt = await startOf(identity.pid);
  if (startedAt === null) return process.platform !== 'linux';
  return identity.startedAt === null || identity.startedAt === startedAt;
}

/** Sends the signal; false when there is no such process any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function hasProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function startOf(pid: number): Promise<string | null> {
  if (process.platform === 'linux')
    return startInProc(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  if (process.platform === 'win32') return null;
  const { stdout } = await execa('ps', ['-o', 'lstart=', '-p', String(pid)], {
    reject: false,
    timeout: PS_TIMEOUT_MS,
  });
  return stdout?.trim() || null;
}

/**
 * Pure: field 22 of /proc/<pid>/stat, in clock ticks since the machine was switched on; null for a process that has
 * ended (state Z or X). The second field is the program's name in brackets and may hold anything. See proc_pid_stat(5).
 */
export function startInProc(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  return state === 'Z' || state === 'X' ? null : (fields[19] ?? null);
}
