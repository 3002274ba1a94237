import { expect, test } from 'vitest';
import { serverRequest } from '../../tests/server.ts';
import { EnvironmentError } from '../errors.ts';
import { AUTOMATIC, chooseProvisioner, findProvisioner } from './index.ts';

const { signal } = new AbortController();

test('the embedded server is the default', async () => {
  expect((await chooseProvisioner(serverRequest({ provision: AUTOMATIC }), signal)).name).toBe('embedded');
});

test('a URL means the external server', async () => {
  const request = serverRequest({ provision: AUTOMATIC, url: 'postgres://me@db.example/shop' });
  expect((await chooseProvisioner(request, signal)).name).toBe('external');
});

test('a named provisioner that cannot be used says why', async () => {
  await expect(chooseProvisioner(serverRequest({ provision: 'external' }), signal)).rejects.toThrow(
    'provision: external cannot be used: database.url is not set.',
  );
});

test('an unknown name is answered with those there are', () => {
  expect(() => findProvisioner('vagrant')).toThrow(
    'there is no provisioner "vagrant"; there are embedded, container, external.',
  );
});

test('where the programs cannot be fetched, the next one is tried, and both reasons are told', async () => {
  const said: string[] = [];
  const request = { ...serverRequest({ provision: AUTOMATIC }), say: (line: string) => said.push(line) };
  const { engine } = request;
  const locate = async () => {
    throw new EnvironmentError('the registry cannot be reached.');
  };
  const recipe = {
    ...engine.recipe,
    embedded: { ...engine.recipe.embedded, locate },
    container: { ...engine.recipe.container, image: () => 'rehearse-has-no-such-image:none' },
  };
  const choice = chooseProvisioner({ ...request, engine: { ...engine, recipe } }, signal);
  await expect(choice).rejects.toThrow(
    /^no server can be started here\. embedded: the registry cannot be reached\. container: /,
  );
  expect(said).toContain('embedded: the registry cannot be reached; trying container');
});
