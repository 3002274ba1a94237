/** The contract of the server itself: its version, its profiles, settings that it refuses. */
import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import type { TestServer } from '../server.ts';
import { rejection } from './connections.ts';
import type { Fixture } from './fixtures.ts';

export function recipeContract(given: () => TestServer, fixture: Fixture): void {
  test('the server is of the version and the flavor that was asked for', async () => {
    const { spec, server, engine } = given();
    expect(
      `${server.version}.`.startsWith(`${spec.version}.`) || server.version.startsWith(`${spec.version}.`),
    ).toBe(true);
    await using session = await given().connect('administrator');
    const [row] = await session.query<{ version: string }>('select version() as version');
    expect(engine.recipe.flavorOf(row?.version ?? '')).toBe(spec.flavor);
  });

  test('the settings of the rehearsal profile hold, and those of the filling profile differ', async () => {
    const { recipe } = given().engine;
    await using session = await given().connect('administrator');
    const [row] = await session.query<{ value: unknown }>(fixture.setting.query);
    expect(String(row?.value)).toBe(fixture.setting.rehearsal);
    expect(recipe.settings('filling', {})).not.toEqual(recipe.settings('rehearsal', {}));
    for (const profile of ['filling', 'rehearsal'] as const)
      expect(recipe.settings(profile, { max_connections: '77' })).toMatchObject({ max_connections: '77' });
  });

  test("a setting that the server does not know, or that is not the user's to choose, is refused by name", async () => {
    const { recipe } = given().engine;
    for (const name of [fixture.refusedSetting, 'no name; drop'])
      expect(() => recipe.settings('rehearsal', { [name]: 'x' })).toThrow(UsageError);
    await using session = await given().connect('administrator');
    let written: string | null = null;
    const write = async (text: string) => {
      written = text;
    };
    const settings = { ...recipe.settings('rehearsal', {}), no_such_setting: '4711' };
    const error = await rejection(recipe.applySettings(session, settings, write));
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(/no_such_setting.*4711/);
    expect(written).toBeNull();
  });
}
