import { expect, test } from 'vitest';
import { serverRequest } from '../../tests/server.ts';
import { AUTOMATIC, chooseProvisioner, findProvisioner } from './index.ts';

test('the embedded server is the default', async () => {
  expect((await chooseProvisioner(serverRequest({ provision: AUTOMATIC }))).name).toBe('embedded');
});

test('a URL means the external server', async () => {
  const request = serverRequest({ provision: AUTOMATIC, url: 'postgres://me@db.example/shop' });
  expect((await chooseProvisioner(request)).name).toBe('external');
});

test('a named provisioner that cannot be used says why', async () => {
  await expect(chooseProvisioner(serverRequest({ provision: 'external' }))).rejects.toThrow(
    'provision: external cannot be used: database.url is not set.',
  );
});

test('an unknown name is answered with those there are', () => {
  expect(() => findProvisioner('vagrant')).toThrow(
    'there is no provisioner "vagrant"; there are embedded, container, external.',
  );
});
