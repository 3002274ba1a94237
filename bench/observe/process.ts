/** The process that observing.ts starts: everything that reads while a migration runs, until the parent goes away. */
import { once } from 'node:events';
import { findEngine } from '../../src/engines/index.ts';
import { startCanaries, startObservers } from '../../src/observers/index.ts';
import { bareRecorder } from '../../tests/recorder.ts';
import type { Observed } from './observing.ts';

const [told] = (await once(process, 'message')) as [Observed];
const disconnected = once(process, 'disconnect');
// Ctrl-C is for the parent, which ends this by going away.
process.on('SIGINT', () => undefined);
const { roles, dataDirectory, migration } = told;
const engine = findEngine(told.engine);
const recorder = bareRecorder('observe');
const request = { engine, server: { dataDirectory: { path: dataDirectory } }, roles, recorder };
await using migrator = await engine.connections.connect(roles.migrator, { applicationName: 'bench' });
const tables = await engine.schema.describe(migrator);
await using observers = await startObservers(request);
await using _canaries = await startCanaries({ ...request, tables, migrationTexts: [migration] });
await observers.beforeSteps();
process.send?.('ready');
await disconnected;
