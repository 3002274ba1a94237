import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { isOwnAddress } from './ports.ts';

const addresses = Object.values(networkInterfaces())
  .flatMap((list = []) => list)
  .filter(({ scopeid }) => !scopeid)
  .map(({ address }) => address);

test.each(['localhost', ...addresses])('%s is an address of this machine', async (address) => {
  expect(await isOwnAddress(address)).toBe(true);
});

// 192.0.2.0/24 to 203.0.113.0/24 are kept for documentation (RFC 5737); .invalid has no addresses (RFC 2606).
test.each(['203.0.113.77', 'elsewhere.invalid'])('%s is none', async (address) => {
  expect(await isOwnAddress(address)).toBe(false);
});
