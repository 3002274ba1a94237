/** Settings, clock, progress and what observers may not see, on a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, startTestServer, type TestServer } from '../../../../tests/server.ts';
import type { Session } from '../../engine.ts';
import { views } from './views.ts';

let started: TestServer;
let administrator: Session;
let inside: Session;

beforeAll(async () => {
  started = await startTestServer();
  administrator = await started.connect('administrator');
  inside = await started.connect('observerInside');
});

afterAll(async () => {
  await administrator[Symbol.asyncDispose]();
  await inside[Symbol.asyncDispose]();
  await started[Symbol.asyncDispose]();
});

test('settings that somebody chose are told with their unit, paths and secrets are not', async () => {
  await administrator.execute("alter system set work_mem = '12345kB'");
  await administrator.execute("alter system set primary_conninfo = 'host=replica password=hunter2'");
  await administrator.execute('select pg_reload_conf()');
  const settings = await eventually('the settings are read again', async () => {
    const read = await views.readSettings(administrator);
    return read.some(({ name }) => name === 'work_mem') ? read : null;
  });
  expect(settings).toContainEqual({ name: 'work_mem', value: '12345kB' });
  const text = JSON.stringify(settings);
  expect(text).not.toContain('hunter2');
  if ('path' in started.server.dataDirectory) expect(text).not.toContain(started.server.dataDirectory.path);
  expect(settings.some(({ name }) => name === 'statement_timeout' || name === 'application_name')).toBe(
    false,
  );
});

test('the clock of the server goes on', async () => {
  const before = await views.readClock(administrator);
  expect(before).toBeGreaterThan(Date.UTC(2024));
  expect(await views.readClock(administrator)).toBeGreaterThan(before);
});

test('the progress of an index build is told with its phase', async () => {
  await using migrator = await started.connect('migrator');
  await migrator.execute('create table t (id bigint, note text)');
  await migrator.execute('insert into t select i, md5(i::text) from generate_series(1, 300000) i');
  let building = true;
  const built = migrator.execute('create index on t (note)').finally(() => {
    building = false;
  });
  const seen = await eventually('progress is seen', async () => {
    const [progress] = await views.readProgress(inside);
    if (progress === undefined && !building) throw new Error('the index was built before progress was seen');
    return progress ?? null;
  });
  await built;
  expect(seen.sessionId).toBe(migrator.id);
  expect(seen.phase).toMatch(/^(initializing|building index)/);
  expect(seen.done).toBeLessThanOrEqual(seen.total);
  expect(await views.readProgress(inside)).toEqual([]);
});

/** The last one: it takes away what the others need. */
test('an observer without its privileges is missed with the grant that it needs', async () => {
  const about = async () => (await views.missing(administrator)).map(({ reason }) => reason).join('\n');
  expect(await about()).not.toContain('pg_monitor');
  await administrator.execute('revoke pg_monitor, pg_read_all_stats from rehearse_observer');
  expect(await about()).toContain('grant pg_monitor to rehearse_observer');
});
