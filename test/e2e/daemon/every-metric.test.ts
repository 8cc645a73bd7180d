/** Every metric of docs/metrics.md is in what a real daemon answers, filled from a real server, a real drill, a real check. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mainFile, makeWorkplace, parseLines, runHoldfast, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { lockRepository } from '../../../src/engine/lock/lock-repository.ts';
import { metricList } from '../../../src/observe/metrics/metric-list.ts';
import { openSession } from '../../../src/operations/open-session.ts';
import { startCluster, type ThrowawayCluster } from '../../harness/postgres/throwaway-cluster.ts';
import { password } from '../../harness/programs/run-programs.ts';
import { createQuickRepository } from '../../harness/repositories/quick-repository.ts';
import { startHookServer, type HookServer } from '../../harness/watch/hook-server.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** What is not known here, and why. */
const unknown = new Map([
  ['holdfast_repository_full_timestamp_seconds', 'it says when the disk is full only where weeks of growth are known'],
]);
const token = '0123456789abcdef0123';
const place = await makeWorkplace();
let cluster: ThrowawayCluster;
let hooks: HookServer;
let daemon: ChildProcess | undefined;
let url = '';

const environment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: place.folder,
  HOLDFAST_PASSWORD: password,
  HOLDFAST_STATE: place.path('state'),
  XDG_CACHE_HOME: place.path('cache'),
  PGPASSWORD: cluster.password,
});
const hold = (...words: string[]): Promise<RunResult> =>
  runHoldfast([...words, '-c', place.path('holdfast.yaml')], { cwd: place.folder, env: environment() });

beforeAll(async () => {
  hooks = await startHookServer();
  cluster = await startCluster({ version: 15 });
  await cluster.query('CREATE TABLE item AS SELECT generate_series(1, 100) AS id');
  await createQuickRepository(place.path('repository'));
  await mkdir(place.path('uploads'));
  await writeFile(place.path('uploads', 'photo'), 'a photo');
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop
repositories: { local: ./repository }
objective: { rpo: 1d, rto: 1h }
components:
  database: { postgres: { url: '${cluster.url('postgres').replace(cluster.password, '${PGPASSWORD}')}', mode: both, wal: { flush: 1s } } }
  uploads: { files: ./uploads, schedule: "0 3 1 1 *", objective: { rpo: 7d, rto: 10m } }
drills: { quarterly: { schedule: "0 5 1 1 *", restore: [uploads] } }
serve: { tokens: { name: ops, role: admin, token: ${token} } }
notify: [{ webhook: "${hooks.url}/hook" }]
maintenance: { prune: never, check: never }
`,
  );
  await rename(place.path('uploads'), place.path('away'));
  if ((await hold('backup', 'uploads')).status === 0) throw new Error('a folder that is not there was saved');
  await rename(place.path('away'), place.path('uploads'));
  for (const words of [['backup'], ['drill', 'quarterly'], ['check', '-r', 'local'], ['prune', '-r', 'local', '--yes']]) {
    const { status, stderr } = await hold(...words);
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  }
  // Somebody who died while he worked there.
  const repository = await openSession({
    url: place.path('repository'),
    password: () => Promise.resolve(password),
    place: { environment: environment(), events: () => {} },
  });
  await lockRepository(repository, { exclusive: false }, { events: () => {}, signal: new AbortController().signal });
  await repository.close();
});
afterAll(async () => {
  daemon?.kill('SIGTERM');
  await new Promise((resolve) => (daemon === undefined || daemon.exitCode !== null ? resolve(0) : daemon.once('exit', resolve)));
  await hooks.stop();
  await cluster.stop();
  await place.remove();
});

async function startDaemon(): Promise<void> {
  const words = ['serve', '-c', place.path('holdfast.yaml'), '--listen', '127.0.0.1:0', '--json'];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, ...words], {
    cwd: place.folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  daemon = child;
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await expect
    .poll(
      () => {
        const records = parseLines(said.slice(0, said.lastIndexOf('\n') + 1));
        const listening = records.find((record) => record['message_type'] === 'listening');
        const address = listening?.['url'];
        url = typeof address === 'string' ? address : '';
        return url;
      },
      { timeout: 60_000, interval: 200 },
    )
    .not.toBe('');
}

async function scrape(): Promise<string> {
  const answer = await fetch(new URL('/metrics', url), { headers: { Authorization: `Bearer ${token}` } });
  return answer.text();
}

const namesIn = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name ?? '');
const valueOf = (text: string, sample: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1));
};

test('a daemon answers with every metric there is', { timeout: 400_000 }, async () => {
  await startDaemon();
  const expected = metricList.map(({ name }) => name).filter((name) => !unknown.has(name));
  // Of a server on which nothing happens there is nothing to store.
  const look = async (): Promise<string[]> => {
    await cluster.query('INSERT INTO item VALUES (101)');
    return namesIn(await scrape());
  };
  await expect.poll(look, { timeout: 120_000, interval: 2000 }).toContain('holdfast_wal_lag_seconds');
  // After a run it looks again how everything stands.
  expect((await hold('backup', 'uploads')).status).toBe(0);
  const labels = 'application="shop"';
  const points = `holdfast_points{${labels},component="uploads",repository="local"}`;
  await expect.poll(async () => valueOf(await scrape(), points), { timeout: 180_000, interval: 2000 }).toBe(2);
  await expect.poll(look, { timeout: 180_000, interval: 2000 }).toEqual(expected);
  const text = await scrape();
  expect(valueOf(text, `holdfast_backup_last_rows{${labels},component="database"}`)).toBe(100);
  expect(valueOf(text, `holdfast_backup_last_files{${labels},component="uploads"}`)).toBe(1);
  expect(valueOf(text, `holdfast_points_proven{${labels},component="uploads",repository="local"}`)).toBe(1);
  expect(valueOf(text, `holdfast_repository_size_bytes{${labels},repository="local"}`)).toBeGreaterThan(100_000);
  expect(valueOf(text, `holdfast_repository_dedup_ratio{${labels},repository="local"}`)).toBeGreaterThan(1);
  expect(valueOf(text, `holdfast_wal_slot_active{${labels},component="database-base"}`)).toBe(1);
  expect(valueOf(text, `holdfast_wal_gaps{${labels},component="database-base"}`)).toBe(0);
  expect(valueOf(text, `holdfast_objective_met{${labels},component="uploads",objective="rto"}`)).toBe(1);
});

test('and a textfile says the same of what needs no daemon', async () => {
  const { stdout, stderr, status } = await hold('metrics');
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const found = new Set(namesIn(stdout));
  const ofDaemons =
    /_(up|start_timestamp_seconds|runs_\w+|failures_in_a_row|last_failure\w*|last_ok|job_\w+|alarms_open|notify_\w+|receiver_up|last_check\w*|check_problems|last_prune\w*)$/;
  expect(metricList.map(({ name }) => name).filter((name) => !found.has(name) && !unknown.has(name) && !ofDaemons.test(name))).toEqual([]);
});
