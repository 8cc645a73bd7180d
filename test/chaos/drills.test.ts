/**
 * Many drills, some of them killed at random moments: nothing of them is left. The next drill of this host takes away what a killed one could not, and nothing
 * else. HOLDFAST_DRILLS says how many; every fifth is killed, and two at least.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mainFile, password } from '../../src/cli/testing/run-holdfast.ts';
import { startCluster, type ThrowawayCluster } from '../harness/postgres/throwaway-cluster.ts';
import { seededChance } from '../simulation/seeded-chance.ts';

const count = Number(process.env['HOLDFAST_DRILLS'] ?? '6');
const killed = Math.max(2, Math.floor(count / 5));
vi.setConfig({ testTimeout: 120_000 + count * 60_000, hookTimeout: 180_000 });

let cluster: ThrowawayCluster;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-drills-'));
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'app', 'files'), { recursive: true });
  await mkdir(join(folder, 'tmp'), { mode: 0o755 });
  for (let number = 0; number < 200; number += 1) await writeFile(join(folder, 'app', 'files', `${number}`), `${number}`.repeat(5000));
  cluster = await startCluster({ databases: ['shop', 'holdfast_drill_orders'] });
  await cluster.psql("CREATE TABLE rows AS SELECT i, repeat('x', 100) AS text FROM generate_series(1, 100000) i", 'shop');
  await writeFile(
    join(folder, 'app', 'holdfast.yaml'),
    `application: shop
repositories: { local: ${join(folder, 'repository')} }
components:
  database: { postgres: '${cluster.url('shop').replace(cluster.password, '${PGPASSWORD}')}' }
  files: { files: files }
drills:
  live: { restore: [database, files] }
  own: { restore: [database, files], into: cluster }
`,
  );
  const { status, stderr } = await run(['backup']);
  if (status !== 0) throw new Error(stderr);
});
afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface End {
  readonly status: number | null;
  readonly milliseconds: number;
  readonly stderr: string;
}

function run(words: readonly string[], killAfter?: number): Promise<End> {
  const began = performance.now();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, ...words, '--quiet'], {
    cwd: join(folder, 'app'),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      TMPDIR: join(folder, 'tmp'),
      HOLDFAST_STATE: join(folder, 'state'),
      HOLDFAST_PASSWORD: password,
      PGPASSWORD: cluster.password,
      NODE_COMPILE_CACHE: join(tmpdir(), 'holdfast-cli-tests-cache'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({ status, milliseconds: performance.now() - began, stderr });
    });
  });
}

/** What no drill may leave: databases, folders, notes, servers. */
async function whatIsLeft(): Promise<string[]> {
  const databases = await cluster.query<{ name: string }>(
    "SELECT datname AS name FROM pg_database WHERE datname LIKE 'holdfast_drill_%\\_%\\_%'",
  );
  const places = [
    join(folder, 'state-scratch'),
    join(folder, 'tmp', 'holdfast-scratch'),
    join(folder, 'state', 'drills'),
    join(folder, 'tmp'),
  ];
  const names = await Promise.all(places.map(async (place) => (existsSync(place) ? readdir(place) : [])));
  return [...databases.map(({ name }) => name), ...names.flat().filter((name) => name !== 'holdfast-scratch'), ...(await serversLeft())];
}

/** A server that was told to end needs a moment. */
async function serversLeft(): Promise<string[]> {
  for (let look = 0; ; look += 1) {
    const found: string[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const words = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      if (words.includes(`${folder}/state-scratch`)) found.push(words.replaceAll('\0', ' '));
    }
    if (found.length === 0 || look >= 150) return found;
    await sleep(200);
  }
}

test(`${count} drills, ${killed} of them killed, leave nothing`, async () => {
  const chance = seededChance(20_261_121);
  const usual = await run(['drill', 'live']);
  expect(usual).toMatchObject({ status: 0 });
  expect(await whatIsLeft()).toEqual([]);
  let deaths = 0;
  for (let number = 1; number < count + 1; number += 1) {
    const isKilled = number % Math.floor(count / killed) === 0 && deaths < killed;
    const name = number % 2 === 0 ? 'own' : 'live';
    // Not before it has begun: that would be a drill that never was.
    const end = await run(['drill', name], isKilled ? usual.milliseconds * (0.3 + 0.6 * chance()) : undefined);
    if (isKilled && end.status === null) deaths += 1;
    else expect(end, end.stderr).toMatchObject({ status: 0 });
  }
  expect(await run(['drill', 'live'])).toMatchObject({ status: 0 });
  expect(await whatIsLeft()).toEqual([]);
  expect(await cluster.query("SELECT FROM pg_database WHERE datname = 'holdfast_drill_orders'")).toHaveLength(1);
});
