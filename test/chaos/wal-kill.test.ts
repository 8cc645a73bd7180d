/**
 * kill -9 of the receiver of WAL at any moment under load, and of the server beneath it: nothing that the server was told to be stored is
 * missing, nothing is torn, there is no gap. HOLDFAST_WAL_KILLS says how often (8 by default), HOLDFAST_SEED repeats a run.
 */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { startCluster, type ThrowawayCluster } from '../harness/postgres/throwaway-cluster.ts';
import { done, holdfast, judge, startHoldfast } from '../harness/programs/run-programs.ts';
import { createQuickRepository } from '../harness/repositories/quick-repository.ts';
import { seededBelow } from '../harness/trees/seeded-bytes.ts';
import { startOfSegment } from '../../src/wal/choose-start.ts';
import { confirmedTo, hasStored, judgeWal, untilIdle, untilStreaming, writeRows } from './wal-judgement.ts';

const kills = Number(process.env['HOLDFAST_WAL_KILLS'] ?? 8);
const seed = process.env['HOLDFAST_SEED'] ?? randomBytes(4).toString('hex');
const segmentSize = 2 ** 24;
const patience = 60_000 + kills * 15_000;
vi.setConfig({ testTimeout: patience, hookTimeout: 120_000 });

const place = await makeWorkplace();
const clusters: ThrowawayCluster[] = [];
afterAll(async () => {
  for (const cluster of clusters) await cluster.stop();
  await place.remove();
});

/** Small segments, so that many are completed in a short time; the server keeps all for the comparison. */
async function start(): Promise<ThrowawayCluster> {
  const cluster = await startCluster({
    version: 15,
    settings: { wal_keep_size: '64GB', max_wal_size: '512MB', fsync: 'on', synchronous_commit: 'on', autovacuum: 'off' },
  });
  clusters.push(cluster);
  await cluster.query('CREATE TABLE load (id bigserial PRIMARY KEY, text text)');
  return cluster;
}

function socketUrl({ socketFolder, port }: ThrowawayCluster): string {
  return `postgresql://postgres@/postgres?host=${encodeURIComponent(socketFolder)}&port=${port}`;
}

beforeAll(async () => {
  for (const name of ['killed', 'synchronous']) await createQuickRepository(place.path(name));
});

test(`${kills} kills under load (seed ${seed})`, async () => {
  const cluster = await start();
  const repository = place.path('killed');
  const words = ['wal', 'stream', '--postgres', socketUrl(cluster), '--slot', 'killed', '--flush', '200ms', '-q'];
  const load = writeRows(cluster, 3);
  try {
    let previous = 0n;
    for (let round = 1; round <= kills; round += 1) {
      const draw = (what: string, below: number): number => seededBelow(`${seed} ${what} ${round}`, below);
      const { child, ended } = startHoldfast(repository, words);
      await untilStreaming(cluster, 'killed', ended);
      await sleep(draw('time', 1500));
      const what = ['nothing', 'crash', 'restart', 'switch'][draw('server', 4)];
      if (what === 'switch') await cluster.query('SELECT pg_switch_wal()');
      if (what === 'crash') await cluster.kill();
      if (what === 'restart') {
        await cluster.halt();
        await cluster.restart();
      }
      await sleep(draw('after', 300));
      child.kill('SIGKILL');
      const { killed, stderr } = await ended;
      if (!killed) throw new Error(`round ${round} (${what}): the receiver ended by itself: ${stderr}`);
      if (what === 'crash') await cluster.restart();
      // Killed before it had stored anything: then the server keeps everything.
      if (previous === 0n && !(await hasStored(repository))) continue;
      const confirmed = await confirmedTo(cluster, 'killed');
      // What came since the last kill; all of it at the end.
      const { end, segments } = await judgeWal(repository, cluster, { from: previous }).catch((error: unknown) => {
        throw new Error(`round ${round} (${what}), seed ${seed}: ${String(error)}`, { cause: error });
      });
      // A new slot reserves from somewhere within the first segment, which the server keeps whole until more than that is confirmed.
      const mayFree = segments === 0 ? startOfSegment(confirmed ?? 0n, segmentSize) : (confirmed ?? 0n);
      expect(end >= mayFree, `round ${round} (${what}): the server may free up to ${mayFree}, and ${end} is stored`).toBe(true);
      expect(end >= previous).toBe(true);
      previous = end;
    }
  } finally {
    await load.stop();
  }
  expect(load.acknowledged()).toBeGreaterThan(kills);
  await done(holdfast(repository, [...words, '--once']));
  const [row] = await cluster.query<{ done: boolean; lsn: string }>('SELECT count(*) > 0 AS done FROM load');
  expect(row?.done).toBe(true);
  const { commits, segments, parts } = await judgeWal(repository, cluster);
  // Everything that was acknowledged, and what the crashes left unanswered.
  expect(commits).toBeGreaterThanOrEqual(load.acknowledged());
  expect(segments).toBeGreaterThan(1);
  expect(parts).toBeLessThan(70);
  // restic is not disturbed by what lies beside its own.
  await judge(repository, []);
  expect(await readdir(repository)).toContain('holdfast');
});

test('with synchronous_standby_names nothing that was acknowledged is missing, whenever the receiver dies', async () => {
  const cluster = await start();
  await cluster.query("ALTER SYSTEM SET synchronous_standby_names = 'holdfast_sync'");
  const repository = place.path('synchronous');
  const words = ['wal', 'stream', '--postgres', socketUrl(cluster), '--slot', 'sync', '--synchronous', '-q'];
  let receiver = startHoldfast(repository, words);
  await untilStreaming(cluster, 'sync', receiver.ended);
  await cluster.query('SELECT pg_reload_conf()');
  const load = writeRows(cluster, 0);
  try {
    for (let round = 1; round <= Math.max(2, Math.floor(kills / 4)); round += 1) {
      const before = load.acknowledged();
      while (load.acknowledged() === before) await sleep(20);
      await sleep(seededBelow(`${seed} sync ${round}`, 1000));
      receiver.child.kill('SIGKILL');
      await receiver.ended;
      // Now the writer hangs until somebody receives again: that is the bargain.
      await untilIdle(cluster, 'sync');
      const acknowledged = load.acknowledged();
      const { commits } = await judgeWal(repository, cluster);
      expect(commits).toBeGreaterThanOrEqual(acknowledged);
      expect(load.acknowledged()).toBe(acknowledged);
      receiver = startHoldfast(repository, words);
      await untilStreaming(cluster, 'sync', receiver.ended);
    }
  } finally {
    await load.stop();
    receiver.child.kill('SIGKILL');
    await receiver.ended;
  }
});
