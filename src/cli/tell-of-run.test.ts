import { mkdir, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { startHookServer, type HookServer } from '../../test/harness/watch/hook-server.ts';
import { makeWorkplace, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
let hooks: HookServer;

const bodySchema = z.looseObject({
  alarms: z.array(z.looseObject({ state: z.string(), key: z.string(), event: z.string(), title: z.string() })),
});
const told = (): z.infer<typeof bodySchema>['alarms'] => hooks.requests.flatMap(({ body }) => bodySchema.parse(JSON.parse(body)).alarms);
const backup = (env: Record<string, string>): Promise<RunResult> =>
  runHoldfast(['backup', '-c', place.path('holdfast.yaml')], { env: { HOLDFAST_STATE: place.path('state'), ...env } });
const cron = { HOLDFAST_TRIGGER: 'schedule', HOLDFAST_JOB: 'backup:daily' };

beforeAll(async () => {
  hooks = await startHookServer();
  await mkdir(place.path('uploads'));
  await writeFile(place.path('uploads/a.txt'), 'content');
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop
repositories: { local: ./repository }
components: { uploads: { files: ./uploads } }
notify: [{ webhook: "${hooks.url}/hook" }]
`,
  );
});
beforeEach(() => void hooks.requests.splice(0));
afterAll(async () => {
  await place.remove();
});

test('what crontab starts tells of its failure, and of its end', async () => {
  await rename(place.path('uploads'), place.path('away'));
  expect((await backup(cron)).status).not.toBe(0);
  expect(told()).toMatchObject([{ state: 'open', key: 'failure:backup:daily', event: 'failure', title: 'The backup failed' }]);
  hooks.requests.splice(0);
  await rename(place.path('away'), place.path('uploads'));
  expect((await backup(cron)).status).toBe(0);
  expect(told()).toMatchObject([{ state: 'resolved', key: 'failure:backup:daily' }]);
});

test('where the state folder cannot be opened people are told all the same, and of that too', async () => {
  await writeFile(place.path('no-folder'), '');
  const lost = { ...cron, HOLDFAST_STATE: place.path('no-folder') };
  expect((await backup(lost)).status).toBe(0);
  expect(told()).toMatchObject([{ key: 'state', event: 'daemon' }]);
  hooks.requests.splice(0);
  await rename(place.path('uploads'), place.path('away'));
  expect((await backup(lost)).status).not.toBe(0);
  expect(new Set(told().map(({ key }) => key))).toEqual(new Set(['state', 'failure:backup:daily']));
  await rename(place.path('away'), place.path('uploads'));
});

test('how the application stands is told by the status that a schedule starts, and ends when it is right again', async () => {
  const status = (env: Record<string, string>): Promise<RunResult> =>
    runHoldfast(['status', '-c', place.path('holdfast.yaml'), '--quiet'], { env: { HOLDFAST_STATE: place.path('state'), ...env } });
  const wrong = { HOLDFAST_PASSWORD: 'not the password of it' };
  await status(wrong);
  await status({ ...cron, ...wrong, HOLDFAST_DAEMON: '1' });
  expect(hooks.requests).toEqual([]);
  expect((await status({ ...cron, ...wrong })).status).toBe(1);
  expect(told()).toMatchObject([{ state: 'open', key: 'repository:local', event: 'failure' }]);
  hooks.requests.splice(0);
  expect((await status(cron)).status).toBe(0);
  expect(told()).toMatchObject([{ state: 'resolved', key: 'repository:local' }]);
});

test('what a person or the daemon starts tells nobody', async () => {
  await rename(place.path('uploads'), place.path('away'));
  expect((await backup({})).status).not.toBe(0);
  expect((await backup({ ...cron, HOLDFAST_DAEMON: '1' })).status).not.toBe(0);
  expect(hooks.requests).toEqual([]);
});

test('an alarm that cannot be sent is said, and changes nothing about how the run ended', async () => {
  await rename(place.path('away'), place.path('uploads'));
  await rename(place.path('uploads'), place.path('gone'));
  await hooks.stop();
  const { status, stderr } = await backup(cron);
  expect(status).not.toBe(0);
  expect(stderr).toContain('the alarm did not reach webhook');
});
