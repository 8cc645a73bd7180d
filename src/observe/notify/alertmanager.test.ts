/** Our alarms in a real Alertmanager. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startHookServer, type HookServer } from '../../../test/harness/watch/hook-server.ts';
import { startAlertmanager, type WatchServer } from '../../../test/harness/watch/prometheus.ts';
import { createMemoryAlarmStore } from './memory-alarm-store.ts';
import { createNotifier } from './notifier.ts';
import type { Route } from './route.ts';
import { sampleAlarm } from './testing/sample-alarm.ts';

const patience = { timeout: 60_000, interval: 300 };
const told = z.object({
  status: z.string(),
  alerts: z.array(z.looseObject({ status: z.string(), labels: z.record(z.string(), z.string()) })),
});
const shown = z.array(
  z.looseObject({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    startsAt: z.string(),
    endsAt: z.string(),
  }),
);

let hook: HookServer;
let alertmanager: WatchServer;

beforeAll(async () => {
  hook = await startHookServer();
  alertmanager = await startAlertmanager(hook.url);
}, 120_000);
afterAll(async () => {
  await alertmanager.stop();
  await hook.stop();
});

async function alerts() {
  const response = await fetch(`${alertmanager.url}/api/v2/alerts`);
  return shown.parse(await response.json());
}

function makeNotifier() {
  /* An Alertmanager goes by the time of the day. */
  const now = new Date(performance.timeOrigin + performance.now());
  const clock = { now: () => now };
  const route: Route = { name: 'am', address: '', target: { kind: 'alertmanager', url: () => Promise.resolve(`${alertmanager.url}/`) } };
  const notifier = createNotifier({ application: 'shop', routes: [route], store: createMemoryAlarmStore(), clock, host: 'vault' });
  const alarm = sampleAlarm(new Date(now.getTime() - 60_000));
  return { notifier, alarm, now };
}

test('an alarm fires there, stays, and is resolved', { timeout: 180_000 }, async () => {
  const { notifier, alarm, now } = makeNotifier();
  notifier.raise(alarm);
  notifier.raise({ ...alarm, key: 'note', event: 'recovery', severity: 'info' });
  expect(await notifier.flush()).toMatchObject([{ ok: true, told: 1 }]);
  const [alert, ...others] = await alerts();
  expect(others).toEqual([]);
  expect(alert).toMatchObject({
    labels: { alertname: 'HoldfastFailure', application: 'shop', component: 'database', severity: 'critical', instance: 'vault' },
    annotations: { summary: 'Backup of database failed', description: 'Cannot reach the server.\nrepository: offsite' },
  });
  expect(new Date(alert?.startsAt ?? 0)).toEqual(alarm.at);
  expect(new Date(alert?.endsAt ?? 0).getTime() - now.getTime()).toBe(26 * 3_600_000);
  await expect.poll(() => heard('firing'), patience).toBe(true);
  notifier.resolve(alarm.key, 'It was well.');
  expect(await notifier.flush()).toMatchObject([{ ok: true }]);
  await expect.poll(() => heard('resolved'), patience).toBe(true);
});

test('a test leaves nothing open there', { timeout: 120_000 }, async () => {
  const { notifier } = makeNotifier();
  expect(await notifier.test()).toEqual([{ route: 'am', ok: true, answer: '200', told: 1 }]);
  await expect
    .poll(async () => (await alerts()).filter(({ annotations }) => annotations['summary'] === 'This is a test'), patience)
    .toEqual([]);
});

function heard(status: string): boolean {
  return hook.requests
    .flatMap(({ body }) => told.parse(JSON.parse(body)).alerts)
    .some((alert) => alert.labels['alertname'] === 'HoldfastFailure' && alert.status === status);
}
