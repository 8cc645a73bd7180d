/**
 * An object store at its worst: 5 % of the requests fail, half of them after they were done; 1 % of the bodies break off; answers take 20 to 500 ms;
 * the server is killed and started again, twice in the middle of the work. In the end everything is there, once. And a store that is gone for good.
 * HOLDFAST_STORE_MB says how much is backed up, HOLDFAST_SEED repeats a run.
 */
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from '../../src/cli/testing/run-holdfast.ts';
import { startCeph, type Ceph } from '../harness/stores/ceph.ts';
import { startFailingWay, type FailingWay } from '../harness/stores/failing-way.ts';
import { compareTrees } from '../harness/trees/compare-trees.ts';
import { noiseBytes, textBytes } from '../harness/trees/seeded-bytes.ts';

const megabytes = Number(process.env['HOLDFAST_STORE_MB'] ?? 96);
const seed = process.env['HOLDFAST_SEED'] ?? randomBytes(4).toString('hex');
const mebibyte = 2 ** 20;
vi.setConfig({ testTimeout: 900_000, hookTimeout: 120_000 });

const place = await makeWorkplace();
const data = place.path('data');
let ceph: Ceph;
let way: FailingWay;
let url: string;

beforeAll(async () => {
  ceph = await startCeph({ store: 'bluestore' });
  await ceph.createBucket('faults');
  way = await startFailingWay(ceph.port, seed);
  url = `s3://faults/app?endpoint=http://127.0.0.1:${way.port}`;
  await mkdir(data);
  for (let number = 0; number < megabytes; number += 1) {
    await writeFile(join(data, `noise-${number}`), noiseBytes(`${seed} ${number}`, (mebibyte * 3) / 4));
    await writeFile(join(data, `text-${number}`), textBytes(`${seed} ${number}`, mebibyte / 4));
  }
});
afterAll(async () => {
  await way?.stop();
  await ceph?.stop();
  await place.remove();
});

const holdfast = (...args: string[]): Promise<RunResult> =>
  runHoldfast(args, { env: { ...ceph.environment, XDG_CACHE_HOME: place.path('cache') } });

async function well(...args: string[]): Promise<RunResult> {
  const result = await holdfast(...args);
  expect({ args, status: result.status, stderr: result.status === 0 ? '' : result.stderr }).toEqual({ args, status: 0, stderr: '' });
  return result;
}

/** Bytes of packs in the bucket. */
async function storedBytes(): Promise<number> {
  let total = 0;
  let token: string | undefined;
  do {
    const listing = await ceph.client.send(new ListObjectsV2Command({ Bucket: 'faults', Prefix: 'app/data/', ContinuationToken: token }));
    for (const { Size = 0 } of listing.Contents ?? []) total += Size;
    token = listing.NextContinuationToken;
  } while (token !== undefined);
  return total;
}

async function localBytes(repository: string): Promise<number> {
  const names = await readdir(join(repository, 'data'), { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => stat(join(repository, 'data', name))));
  return sizes.reduce((sum, found) => sum + (found.isFile() ? found.size : 0), 0);
}

/** Kills the store when so many more requests have come, and starts it again. */
async function restartAfter(requests: number, signal: AbortSignal): Promise<boolean> {
  const until = way.counts().requests + requests;
  while (way.counts().requests < until) {
    if (signal.aborted) return false;
    await sleep(20);
  }
  await ceph.kill();
  await ceph.restart();
  return true;
}

test(`everything is done in spite of it, and nothing twice (seed ${seed})`, async () => {
  await well('repo', 'init', '-r', url);
  way.set({ requests: 50, bodies: 10, latency: { from: 20, to: 500 } });
  const over = new AbortController();
  const restarts = (async () => [await restartAfter(8, over.signal), await restartAfter(12, over.signal)])();
  await well('backup', '-r', url, '--files', data);
  await well('backup', '-r', url, '--files', data, '--force');
  over.abort();
  expect(await restarts).toEqual([true, true]);
  const local = place.path('local');
  await well('backup', '-r', local, '--files', data);
  expect(await storedBytes()).toBeLessThan((await localBytes(local)) * 1.05);
  await rm(join(data, 'noise-0'));
  await writeFile(join(data, 'noise-1'), noiseBytes(`${seed} new`, mebibyte));
  await well('backup', '-r', url, '--files', data);
  await well('prune', '-r', url, '--keep-last', '1', '--yes');
  await well('check', '-r', url, '--read-data');
  await well('restore', 'latest', '-r', url, '--target', place.path('target'));
  expect(compareTrees(data, join(place.path('target'), data))).toEqual([]);
  const { failed, cut } = way.counts();
  expect(failed).toBeGreaterThan(0);
  expect(cut + failed).toBeGreaterThan(2);
});

test('a store that is gone for good is a clear error, and leaves nothing half visible', async () => {
  way.set(undefined);
  const before = parseLines((await well('list', '-r', url, '--json')).stdout);
  await writeFile(join(data, 'more'), noiseBytes(`${seed} more`, 40 * mebibyte));
  const over = new AbortController();
  const gone = (async () => {
    const until = way.counts().requests + 6;
    while (way.counts().requests < until && !over.signal.aborted) await sleep(5);
    await ceph.kill();
  })();
  const { status, stderr } = await holdfast('backup', '-r', url, '--files', data);
  over.abort();
  await gone;
  expect(status).toBe(1);
  expect(stderr).toMatch(/Cannot (?:write|read|list|delete) .* in s3:/);
  await ceph.restart();
  expect(parseLines((await well('list', '-r', url, '--json')).stdout)).toEqual(before);
  await well('unlock', '-r', url);
  await well('check', '-r', url, '--read-data');
  await well('backup', '-r', url, '--files', data);
});
