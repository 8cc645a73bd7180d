/** Thirty simulated days of runs do not make the daemon grow. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseConfiguration } from '../../../src/config/parse-configuration.ts';
import { SimulatedHost } from './simulated-host.ts';
import { startReceiver } from './simulated-receiver.ts';

const day = 86_400_000;
const text = `
application: shop
repositories: { local: /nowhere }
components: { database: { postgres: 'postgresql:///shop', schedule: hourly }, uploads: { files: uploads, schedule: '0 2 * * *' } }
`;

test('thirty days of hourly runs leave nothing behind', { timeout: 240_000 }, async () => {
  setFlagsFromString('--expose-gc');
  const collect = z.custom<() => void>((value) => typeof value === 'function').parse(runInNewContext('gc'));
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-rest-'));
  const parsed = parseConfiguration(text, { file: '/srv/shop/holdfast.yaml', environment: {} });
  if ('problems' in parsed) throw new Error('the configuration is wrong');
  const receiver = await startReceiver();
  const begin = new Date('2027-03-01T12:00:00Z');
  const host = new SimulatedHost(parsed.configuration, { folder, begin, chance: () => 0.5, receiver });
  const used = async (): Promise<number> => {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    return process.memoryUsage().heapUsed;
  };
  await host.time.pass(5 * day);
  const [before, timers] = [await used(), host.time.pending];
  await host.time.pass(30 * day);
  // The test itself keeps a line of each run: 700 of them.
  expect(((await used()) - before) / 1e6).toBeLessThan(2);
  expect(host.time.pending).toBeLessThanOrEqual(timers + 1);
  expect(host.runs.length).toBeGreaterThan(700);
  host.close();
  await receiver.stop();
  await rm(folder, { recursive: true, force: true });
});
