import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { ignoreEvents } from '../../events.ts';
import { systemClock } from '../../util/clock.ts';
import { openRedis } from './application-sources.ts';
import { createTools } from './application-tools.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 240_000 });

let docker: TestDocker;
beforeAll(async () => {
  docker = await startDocker();
});
afterAll(() => docker?.stop());

test('a cache in a container is reached at its port there, as its user', async () => {
  const user = ['--user', 'default', 'off', '--user', 'app', 'on', '>open-sesame', '~*', '&*', '+@all'];
  const container = await docker.run({ command: ['redis-server', '--port', '6390', '--save', '', ...user] });
  const hooks = { before: [], after: [], failed: [] };
  const recovery = { quiesce: [], after: [], smoke: [] };
  const tools = createTools(
    {
      file: '/none/holdfast.yaml',
      folder: '/none',
      application: 'shop',
      repositories: [],
      components: [],
      quiesce: [],
      hooks,
      recovery,
      maintenance: { checkWithinMs: 86_400_000 },
    },
    {
      events: ignoreEvents,
      signal: new AbortController().signal,
      environment: docker.environment,
      clock: systemClock,
      stateFolder: '/none',
    },
  );
  const password = { value: 'open-sesame' };
  const at = { container, port: 6390, user: 'app' };
  await vi.waitFor(
    async () => {
      const source = await openRedis(tools, 'cache', { kind: 'redis', at, password });
      expect((await source.describe()).facts).toMatchObject({ keys: 0 });
    },
    { timeout: 20_000, interval: 500 },
  );
});
