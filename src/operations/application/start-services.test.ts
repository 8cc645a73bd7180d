import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { baseImage, startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import { ignoreEvents } from '../../events.ts';
import { systemClock } from '../../util/clock.ts';
import { createTools, type ApplicationTools } from './application-tools.ts';
import { startAllServices, startServices } from './start-services.ts';
import { waitUntilHealthy } from './wait-until-healthy.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 240_000 });

const folder = await mkdtemp(join(tmpdir(), 'holdfast-start-'));
const minutes = 5 * 60_000;
let docker: TestDocker;

const tools = (): ApplicationTools =>
  createTools(
    {
      file: join(folder, 'holdfast.yaml'),
      folder,
      application: 'shop',
      repositories: [],
      components: [],
      quiesce: [],
      hooks: { before: [], after: [], failed: [] },
      recovery: { quiesce: [], after: [], smoke: [] },
      maintenance: { checkWithinMs: 86_400_000 },
    },
    {
      events: ignoreEvents,
      signal: new AbortController().signal,
      environment: { ...docker.environment, HOME: folder, SHOP_TOKEN: 'token-of-the-shop' },
      clock: systemClock,
      stateFolder: join(folder, 'state'),
    },
  );

/** A service on no network, with this command. */
const service = (run: string, more: object = {}): object => ({
  image: baseImage,
  network_mode: 'none',
  init: true,
  command: ['sh', '-c', run.replaceAll('$', '$$$$')],
  ...more,
});

const write = (services: Readonly<Record<string, object>>): Promise<void> =>
  writeFile(join(folder, 'docker-compose.yml'), JSON.stringify({ version: '2.4', services }));

beforeAll(async () => {
  docker = await startDocker();
});
beforeEach(async () => {
  await write({ none: service('sleep infinity') });
  await docker.compose(folder, ['down', '--remove-orphans', '-t', '0']);
});
afterAll(async () => {
  await docker?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a container that keeps restarting ends the wait, with its last lines and without its secrets', async () => {
  const run = 'echo "no role for $DB_PASSWORD and token-of-the-shop"; exit 1';
  await write({ db: service(run, { restart: 'always', environment: { DB_PASSWORD: 'hidden-from-all' } }) });
  const started = startServices(tools(), ['db'], minutes);
  await expect(started).rejects.toMatchObject({
    code: 'service-not-up',
    message: containing('keeps restarting; it logged: no role for *** and *** / no role for *** and ***'),
    hint: containing('docker logs --tail 50'),
  });
});

test('one that is unhealthy does too', async () => {
  const health = { test: ['CMD-SHELL', 'false'], interval: '1s', retries: 1 };
  await write({ db: service('echo disk full; exec sleep infinity', { healthcheck: health }) });
  await expect(startServices(tools(), ['db'], minutes)).rejects.toMatchObject({
    message: containing('is unhealthy; it logged: disk full'),
  });
});

test('so does one that another one waits for, which Compose itself may do for ever', async () => {
  const health = { test: ['CMD-SHELL', 'false'], interval: '1s', retries: 100 };
  const web = service('sleep infinity', { depends_on: { db: { condition: 'service_healthy' } } });
  await write({ db: service('echo no room; exit 3', { restart: 'always', healthcheck: health }), web });
  await expect(startAllServices(tools())).rejects.toMatchObject({ message: containing('it logged: no room'), code: 'service-not-up' });
});

test('one that ends is not waited for, and those that are well are', async () => {
  await write({ db: service('echo over; exit 1'), cache: service('sleep infinity') });
  await expect(startServices(tools(), ['db'], minutes)).rejects.toMatchObject({ message: containing('it logged: over') });
  await startServices(tools(), ['cache'], minutes);
});

describe('an address that never answers', () => {
  const nowhere = (withinMs = minutes) => waitUntilHealthy(tools(), { url: 'http://127.0.0.1:1/health', withinMs });

  test('is not asked for long once a container has ended, and its status and last lines are told', async () => {
    await write({ web: service('sleep 2; echo no database for token-of-the-shop; exit 3') });
    await startAllServices(tools());
    await expect(nowhere()).rejects.toMatchObject({
      code: 'service-not-up',
      message: containing('ended with status 3; it logged: no database for ***'),
    });
  });

  test('nor while one keeps restarting', async () => {
    await write({ web: service('sleep 0.2; echo no port; exit 0', { restart: 'always' }) });
    await docker.compose(folder, ['up', '-d']);
    await expect(nowhere()).rejects.toMatchObject({ message: containing('keeps restarting; it logged: no port') });
  });

  test('is asked to the end where only a job has ended well', async () => {
    await write({ job: service('echo done'), web: service('sleep infinity') });
    await docker.compose(folder, ['up', '-d']);
    await expect(nowhere(7000)).rejects.toMatchObject({ code: 'not-healthy', message: containing('within 7 s') });
  });
});
