/** What nobody asks of a replica: it has the settings of its primary, is not kept, and has no replica itself. */
import type { Server } from './provisioner.ts';

export const refuseOfReplica: Pick<Server, 'useProfile' | 'keep' | 'replica'> = {
  useProfile: async () => {
    throw new Error('a replica has the settings of its primary');
  },
  keep: async () => {
    throw new Error('the data of a replica is not kept');
  },
  replica: { missing: 'it is a replica itself' },
};
