import { describeOwner } from './notes.ts';

/** Who started it, for people and for what lost its note: `docker ps --filter label=rehearse.owner`. */
export async function ownerLabels(): Promise<Record<string, string>> {
  const { pid, hostname } = await describeOwner();
  return { 'rehearse.owner': `${pid}@${hostname}` };
}
