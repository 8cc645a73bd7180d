import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { baseImage, startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import type { Configuration } from '../../config/configuration.ts';
import { ignoreEvents } from '../../events.ts';
import { systemClock } from '../../util/clock.ts';
import { createTools } from '../application/application-tools.ts';
import { checkDocker } from './check-docker.ts';
import type { Check } from './check.ts';
import { checkClock, type KnownTime } from './check-clock.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 240_000 });

const folder = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
const none = { before: [], after: [], failed: [] };
const times: KnownTime[] = [];
let docker: TestDocker;

const look = async (
  change: Partial<Configuration>,
  environment: Record<string, string> = docker.environment,
): Promise<Map<string, Check>> => {
  const configuration: Configuration = {
    file: join(folder, 'holdfast.yaml'),
    folder,
    application: 'shop',
    repositories: [],
    components: [],
    quiesce: [],
    hooks: none,
    recovery: { quiesce: [], after: [], smoke: [] },
    maintenance: { checkWithinMs: 86_400_000 },
    ...change,
  };
  const signal = new AbortController().signal;
  const context = { events: ignoreEvents, signal, environment, clock: systemClock, stateFolder: join(folder, 'state') };
  const found = new Map<string, Check>();
  for await (const check of checkDocker(createTools(configuration, context), (time) => times.push(time))) found.set(check.name, check);
  return found;
};
const databaseIn = (service: string): Configuration['components'] => [
  { name: 'database', hooks: none, tags: [], source: { kind: 'postgres', at: { service, database: 'app', user: 'app' } } },
];

beforeAll(async () => {
  docker = await startDocker();
  const service = (command: string): object => ({ image: baseImage, network_mode: 'none', init: true, command: ['sh', '-c', command] });
  const services = { db: service('sleep infinity'), worker: service('sleep infinity'), over: service('exit 0') };
  await writeFile(join(folder, 'docker-compose.yml'), JSON.stringify({ version: '2.4', services }));
  await docker.compose(folder, ['up', '-d']);
  await docker.compose(folder, ['stop', '-t', '0', 'worker']);
});
afterAll(async () => {
  await docker?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a service that is read must run; one that is only stopped for a while may stand still, or not be there', async () => {
  const found = await look({ components: databaseIn('db'), quiesce: ['worker', 'cron'] });
  expect(found.get('docker: engine')).toMatchObject({ status: 'ok' });
  // It is the clock of this machine, which is asked a moment before and a moment after.
  expect(checkClock(systemClock.now(), times)).toMatchObject({ status: 'ok', what: containing('the Docker engine') });
  expect(found.get('docker: service db')).toMatchObject({ status: 'ok', what: containing('is running') });
  expect(found.get('docker: service worker')).toMatchObject({
    status: 'warning',
    what: containing('is exited'),
    do: containing('docker start'),
  });
  expect(found.get('docker: service cron')).toMatchObject({ status: 'warning' });
  const stopped = await look({ components: databaseIn('over') });
  expect(stopped.get('docker: service over')).toMatchObject({ status: 'failed', what: containing('database reads it') });
  const missing = await look({ components: databaseIn('nothing') });
  expect(missing.get('docker: service nothing')).toMatchObject({ status: 'failed', what: containing('Cannot find the service') });
});

test('volumes must be there, and an engine that does not answer is one failure', async () => {
  const components: Configuration['components'] = [
    { name: 'uploads', hooks: none, tags: [], source: { kind: 'volumes', volumes: ['not-there'] } },
  ];
  expect((await look({ components })).get('docker: volume not-there')).toMatchObject({
    status: 'failed',
    do: containing('docker volume ls'),
  });
  const away = await look({ components, quiesce: ['db'] }, { DOCKER_HOST: 'unix:///nonexistent.sock' });
  expect([...away.values()]).toMatchObject([{ name: 'docker: engine', status: 'failed' }]);
});

test('without a word about Docker in the configuration nothing is asked', async () => {
  expect(await look({}, { DOCKER_HOST: 'unix:///nonexistent.sock' })).toEqual(new Map());
});
