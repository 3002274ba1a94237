import { createServer } from 'node:net';

/** Address on which a server of ours listens. */
export const LOOPBACK = '127.0.0.1';

/** A port that is free now; another program may still take it before the server does. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, LOOPBACK, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** True when something listens there. */
export function isPortTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(true));
    probe.listen(port, LOOPBACK, () => probe.close(() => resolve(false)));
  });
}

/** True when the address, or name, is one of this machine's own: a server can listen on it. */
export function isOwnAddress(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(0, address, () => probe.close(() => resolve(true)));
  });
}
