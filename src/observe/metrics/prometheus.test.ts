/** The whole way: what we render is scraped by a real Prometheus, a rule fires into a real Alertmanager, and clears. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startHookServer, type HookServer } from '../../../test/harness/watch/hook-server.ts';
import { startAlertmanager, startPrometheus, type WatchServer } from '../../../test/harness/watch/prometheus.ts';
import { metricsContentType, renderMetrics } from './metrics.ts';
import { fullFacts } from './testing/full-facts.ts';

const told = z.object({
  status: z.string(),
  alerts: z.array(z.object({ status: z.string(), labels: z.record(z.string(), z.string()) })),
});
const answer = z.object({ data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }) });
const patience = { timeout: 60_000, interval: 300 };

let folder = '';
let target: Server;
let hook: HookServer;
let alertmanager: WatchServer;
let prometheus: WatchServer;
let ok = true;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-watch-'));
  target = createServer((_, response) => {
    void renderMetrics({ ...fullFacts, components: [{ component: 'database', ok }] }).then((text) =>
      response.writeHead(200, { 'content-type': metricsContentType }).end(text),
    );
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  const address = target.address();
  if (address === null || typeof address === 'string') throw new Error('a port was expected');
  // The rules that users get, but for their patience.
  const rules = await readFile(fileURLToPath(new URL('../../../deploy/prometheus/holdfast-alerts.yml', import.meta.url)), 'utf8');
  await writeFile(join(folder, 'rules.yml'), rules.replaceAll(/^( +for:) \w+$/gm, '$1 1s'));
  hook = await startHookServer();
  alertmanager = await startAlertmanager(hook.url);
  prometheus = await startPrometheus({
    target: `127.0.0.1:${address.port}`,
    rules: join(folder, 'rules.yml'),
    alertmanager: alertmanager.url.replace('http://', ''),
  });
}, 120_000);

afterAll(async () => {
  await prometheus.stop();
  await alertmanager.stop();
  await hook.stop();
  target.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask(query: string): Promise<readonly string[]> {
  const response = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`);
  return answer.parse(await response.json()).data.result.map(({ value }) => value[1]);
}

function heard(alertname: string, status: string): boolean {
  return hook.requests
    .flatMap(({ body }) => told.parse(JSON.parse(body)).alerts)
    .some((alert) => alert.labels['alertname'] === alertname && alert.labels['application'] === 'shop' && alert.status === status);
}

test('is scraped, and its labels are its own', { timeout: 120_000 }, async () => {
  await expect.poll(() => ask('holdfast_backup_last_ok{component="database",job="holdfast"}'), patience).toEqual(['1']);
  expect(await ask('holdfast_repository_dedup_ratio')).toEqual(['12.25']);
  expect(await ask('count({__name__=~"holdfast_.*",exported_job!=""})')).toEqual([]);
  expect(await ask('scrape_samples_scraped')).not.toEqual(['0']);
});

test('a backup that fails fires, and one that is well clears it', { timeout: 180_000 }, async () => {
  ok = false;
  await expect.poll(() => heard('HoldfastBackupFailed', 'firing'), patience).toBe(true);
  ok = true;
  await expect.poll(() => heard('HoldfastBackupFailed', 'resolved'), patience).toBe(true);
});
