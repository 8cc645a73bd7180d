import { execFileSync } from 'node:child_process';
import { appendFile, chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { judgeWal } from '../../test/chaos/wal-judgement.ts';
import { asServerUser } from '../../test/harness/postgres/cluster-process.ts';
import { installedServers } from '../../test/harness/postgres/server-versions.ts';
import { startCluster, type ClusterOptions, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { createQuickRepository, openQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { openSealedObjects } from '../engine/objects/sealed-objects.ts';
import type { Repository } from '../engine/repository.ts';
import { parseConnection } from '../sources/postgres/connection.ts';
import { connectReplication } from '../sources/postgres/replication/connect-replication.ts';
import { createWalFeed } from '../sources/postgres/replication/wal-feed.ts';
import { openSession } from '../sources/postgres/session.ts';
import { systemClock } from '../util/clock.ts';
import { parseLsn } from '../util/lsn.ts';
import { openWalArchive } from './open-wal-archive.ts';
import { receiveWal, startWalReceiver, type ReceiveWalRequest, type WalReceiver } from './receive-wal.ts';
import type { WalArchive } from './wal-archive.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let folder: string;
let path: string;
let repository: Repository;
let count = 0;
const clusters: ThrowawayCluster[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-receive-'));
});

afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.stop();
  await repository?.close();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(options: ClusterOptions = {}): Promise<ThrowawayCluster> {
  const cluster = await startCluster({
    version: 15,
    ...options,
    settings: { wal_keep_size: '1GB', max_wal_size: '1GB', ...options.settings },
  });
  clusters.push(cluster);
  return cluster;
}

async function newRepository(): Promise<void> {
  count += 1;
  path = join(folder, String(count));
  await createQuickRepository(path);
  repository = await openQuickRepository(path);
}

const never = new AbortController().signal;

function requestOf(cluster: ThrowawayCluster, more: Partial<ReceiveWalRequest> = {}): ReceiveWalRequest & { readonly notices: string[] } {
  const connection = parseConnection(cluster.url('postgres'), {});
  const notices: string[] = [];
  return {
    feed: () =>
      createWalFeed({
        connect: () => connectReplication({ connection, applicationName: 'holdfast_test' }),
        openSession: () => openSession(connection),
      }),
    archive: archiveOf,
    slot: 'test',
    flushMs: 100,
    synchronous: false,
    clock: systemClock,
    events: (event) => event.type === 'notice' && notices.push(event.message),
    signal: never,
    notices,
    ...more,
  };
}

function archiveOf(systemId: string): WalArchive {
  return openWalArchive(openSealedObjects(repository), systemId);
}

async function flushedTo(cluster: ThrowawayCluster): Promise<bigint> {
  const [row] = await cluster.query<{ lsn: string }>(
    'SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END)::text AS lsn',
  );
  return parseLsn(row?.lsn ?? '0/0');
}

async function switchSegments(cluster: ThrowawayCluster, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await cluster.query('SELECT pg_switch_wal(), txid_current()');
}

async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await reached()); attempt += 1) {
    if (attempt > 1500) throw new Error('it does not come');
    await sleep(20);
  }
}

describe('one server', () => {
  test('until caught up, again and again: each goes on where the archive ends', async () => {
    const cluster = await start();
    await newRepository();
    await cluster.query('CREATE TABLE t (a int)');
    let last = 0n;
    for (let round = 0; round < 4; round += 1) {
      await cluster.query('INSERT INTO t SELECT generate_series(1, 20000)');
      if (round === 2) await switchSegments(cluster, 2);
      const wanted = await flushedTo(cluster);
      const status = await receiveWal(requestOf(cluster, { until: 'caught-up' }));
      const { end } = await judgeWal(path, cluster);
      expect(end >= wanted, `${end} of ${wanted}`).toBe(true);
      expect(status).toMatchObject({ state: 'ended', shipped: end, timeline: 1, reconnects: 0 });
      expect(end >= last).toBe(true);
      last = end;
    }
    // Nothing new: it ends at once.
    await receiveWal(requestOf(cluster, { until: last }));
  });

  test('many parts are joined, and go when their segment is whole', async () => {
    const cluster = await start({ settings: { synchronous_commit: 'on' } });
    await newRepository();
    await cluster.query('CREATE TABLE t (a int)');
    const stop = new AbortController();
    const receiver = startWalReceiver(requestOf(cluster, { flushMs: 1, signal: stop.signal }));
    for (let round = 0; receiver.status().parts <= 80; round += 1) {
      expect(round).toBeLessThan(2000);
      await cluster.query('INSERT INTO t VALUES (1)');
    }
    stop.abort();
    const { parts } = await receiver.done;
    expect(parts).toBeGreaterThan(80);
    // Joined meanwhile.
    expect((await judgeWal(path, cluster)).parts).toBeLessThan(70);
    await switchSegments(cluster, 1);
    await receiveWal(requestOf(cluster, { until: 'caught-up' }));
    const { segments, parts: left } = await judgeWal(path, cluster);
    expect(segments).toBeGreaterThan(0);
    expect(left).toBeLessThan(3);
  });

  test('segments of another size than the usual', async () => {
    const made = await mkdtemp(join(tmpdir(), 'holdfast-initdb-'));
    const cluster = await start({
      from: {
        password: 'of-the-test',
        fill: async (data) => {
          await chmod(made, 0o777);
          await writeFile(join(made, 'password'), 'of-the-test\n');
          const [file = '', ...args] = asServerUser([
            join((await installedServers())[0]?.folder ?? '', 'initdb'), '-D', join(made, 'data'), '-U', 'postgres', '--wal-segsize=1',
            '--auth=scram-sha-256', '-N', `--pwfile=${join(made, 'password')}`,
          ]); // oxfmt-ignore
          execFileSync(file, args, { cwd: '/', stdio: 'ignore' });
          await cp(join(made, 'data'), data, { recursive: true });
        },
      },
    });
    await rm(made, { recursive: true, force: true });
    await newRepository();
    await cluster.query('CREATE TABLE t AS SELECT generate_series(1, 100000) AS a');
    const status = await receiveWal(requestOf(cluster, { until: 'caught-up' }));
    const { segments, end } = await judgeWal(path, cluster);
    expect(segments).toBeGreaterThan(3);
    expect(await archiveOf(status.systemId ?? '').segmentSize()).toBe(2 ** 20);
    expect(end).toBe(status.shipped);
  });

  test('a damaged part is received again from the server', async () => {
    const cluster = await start();
    await newRepository();
    await cluster.query('CREATE TABLE t (a int)');
    await receiveWal(requestOf(cluster, { until: 'caught-up' }));
    const objects = openSealedObjects(repository);
    const names: string[] = [];
    for await (const { name } of objects.list('wal/')) if (name.includes('.part.')) names.push(name);
    const [name = ''] = names;
    const { header, body } = await objects.get(name);
    body[100] = (body[100] ?? 0) ^ 1;
    await objects.put(name, header, body);
    await cluster.query('INSERT INTO t VALUES (1)');
    const request = requestOf(cluster, { until: 'caught-up' });
    await receiveWal(request);
    expect(request.notices.join()).toContain('It is received again');
    await judgeWal(path, cluster);
  });

  test('another receiver on the slot is waited for', async () => {
    const cluster = await start();
    await newRepository();
    const stop = new AbortController();
    const first = startWalReceiver(requestOf(cluster, { signal: stop.signal }));
    await until(() => first.status().state === 'streaming');
    const request = requestOf(cluster, { until: 'caught-up' });
    const second = receiveWal(request);
    await until(() => request.notices.some((notice) => notice.includes('somebody else streams from it')));
    stop.abort();
    await first.done;
    expect(await second).toMatchObject({ state: 'ended' });
  });

  test('a server that cannot be reached: patience without an end, or an error where there is one', async () => {
    const cluster = await start();
    await newRepository();
    await cluster.halt();
    const stop = new AbortController();
    const request = requestOf(cluster, { signal: stop.signal });
    const receiver = startWalReceiver(request);
    await until(() => request.notices.length > 2);
    expect(receiver.status()).toMatchObject({ reconnects: 0, problem: containing('Cannot') });
    await cluster.restart();
    await until(() => receiver.status().state === 'streaming');
    stop.abort();
    await receiver.done;
  });
});

describe('what would be missing', () => {
  test('WAL that the server has removed is an error, and a gap that is told where that is wanted', async () => {
    const cluster = await start({ settings: { wal_keep_size: '0', max_wal_size: '32MB', min_wal_size: '32MB' } });
    await newRepository();
    const { systemId = '' } = await receiveWal(requestOf(cluster, { until: 'caught-up' }));
    await cluster.query("SELECT pg_drop_replication_slot('test')");
    for (let round = 0; round < 4; round += 1) {
      await switchSegments(cluster, 2);
      await cluster.query('CHECKPOINT');
    }
    const removed = await receiveWal(requestOf(cluster, { until: 'caught-up' })).catch((error: unknown) => error);
    expect(removed).toMatchObject({ code: 'wal-removed', hint: containing('--restart') });
    await receiveWal(requestOf(cluster, { until: 'caught-up', restart: true }));
    const archive = archiveOf(systemId);
    const [covered] = await archive.coverage();
    expect(covered?.ranges).toHaveLength(2);
    const [gap] = await archive.readGaps(1);
    expect(gap).toMatchObject({ from: covered?.ranges[0]?.end, to: covered?.ranges[1]?.start, reason: 'the server had removed it' });
    // From then on all is well.
    await cluster.query('SELECT txid_current()');
    await receiveWal(requestOf(cluster, { until: 'caught-up' }));
    expect((await archive.coverage())[0]?.ranges).toHaveLength(2);
  });

  test('a slot that the server gave up', async () => {
    const cluster = await start({
      settings: { wal_keep_size: '0', max_wal_size: '32MB', min_wal_size: '32MB', max_slot_wal_keep_size: '1MB' },
    });
    await newRepository();
    const { systemId = '' } = await receiveWal(requestOf(cluster, { until: 'caught-up' }));
    for (let round = 0; round < 6; round += 1) {
      await switchSegments(cluster, 2);
      await cluster.query('CHECKPOINT');
    }
    await expect(receiveWal(requestOf(cluster, { until: 'caught-up' }))).rejects.toMatchObject({ code: 'wal-slot-lost' });
    await receiveWal(requestOf(cluster, { until: 'caught-up', restart: true }));
    expect(await archiveOf(systemId).readGaps(1)).toHaveLength(1);
  });
});

describe('timelines', () => {
  /** A standby with the data of a server that was stopped for the copy. */
  async function copyOf(cluster: ThrowawayCluster, settings: string): Promise<ThrowawayCluster> {
    await cluster.halt();
    const copy = await start({
      from: {
        password: cluster.password,
        fill: async (data) => {
          await cp(cluster.dataFolder, data, { recursive: true });
          if (settings !== '') await writeFile(join(data, 'standby.signal'), '');
          await appendFile(join(data, 'postgresql.auto.conf'), `${settings}\n`);
        },
      },
    });
    await cluster.restart();
    return copy;
  }

  test('a standby is promoted while its WAL is received: on to the new timeline, whose first segment is whole', async () => {
    const primary = await start();
    await newRepository();
    await primary.query('CREATE TABLE t (a int)');
    const standby = await copyOf(
      primary,
      `primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres password=${primary.password}'`,
    );
    const stop = new AbortController();
    const request = requestOf(standby, { signal: stop.signal });
    const receiver: WalReceiver = startWalReceiver(request);
    await until(() => receiver.status().state === 'streaming');
    await primary.query('INSERT INTO t SELECT generate_series(1, 1000)');
    await until(async () => (await standby.query<{ n: string }>('SELECT count(*) AS n FROM t'))[0]?.n === '1000');
    await standby.query('SELECT pg_promote()');
    await until(() => receiver.status().timeline === 2);
    await standby.query('INSERT INTO t VALUES (0)');
    const end = await flushedTo(standby);
    await until(() => (receiver.status().shipped ?? 0n) >= end);
    stop.abort();
    const { systemId = '' } = await receiver.done;
    const archive = archiveOf(systemId);
    const coverage = await archive.coverage();
    expect(coverage.map(({ timeline }) => timeline)).toEqual([1, 2]);
    const [first, second] = coverage;
    const fork = second?.parent?.switchPoint ?? 0n;
    expect(second?.parent?.timeline).toBe(1);
    expect(first?.ranges.at(-1)?.end).toBe(fork);
    expect(second?.ranges).toHaveLength(1);
    expect((second?.ranges[0]?.start ?? 0n) <= fork).toBe(true);
    await judgeWal(path, standby, { timeline: 2 });
    // And the same again with a receiver that begins where the other ended.
    await standby.query('INSERT INTO t VALUES (0)');
    await receiveWal(requestOf(standby, { until: 'caught-up' }));
    await judgeWal(path, standby, { timeline: 2 });
    // The one that was primary is not followed any more without a word.
    await primary.query('INSERT INTO t VALUES (0)');
    const old = requestOf(primary, { until: 'caught-up', slot: 'old' });
    await receiveWal(old);
    expect(old.notices.join()).toContain('timeline 2 is not its WAL');
  });

  test('a receiver that comes back after the promotion takes the rest of the old timeline first', async () => {
    const primary = await start();
    await newRepository();
    await primary.query('CREATE TABLE t (a int)');
    await receiveWal(requestOf(primary, { until: 'caught-up' }));
    await primary.query('INSERT INTO t SELECT generate_series(1, 50000)');
    await switchSegments(primary, 1);
    await primary.query('INSERT INTO t SELECT generate_series(1, 50000)');
    const promoted = await copyOf(primary, "primary_conninfo = ''");
    await promoted.query('SELECT pg_promote()');
    await promoted.query('INSERT INTO t VALUES (0)');
    const { systemId = '' } = await receiveWal(requestOf(promoted, { until: 'caught-up' }));
    const [first, second] = await archiveOf(systemId).coverage();
    expect(first?.ranges).toHaveLength(1);
    expect(first?.ranges[0]?.end).toBe(second?.parent?.switchPoint);
    await judgeWal(path, promoted, { timeline: 2 });
  });

  test('a server that was put back without a new timeline is refused, also when it has caught up', async () => {
    const cluster = await start();
    await newRepository();
    await cluster.query('CREATE TABLE t (a int)');
    const older = await copyOf(cluster, '');
    await cluster.query('INSERT INTO t SELECT generate_series(1, 3000)');
    await receiveWal(requestOf(cluster, { until: 'caught-up' }));
    await expect(receiveWal(requestOf(older, { until: 'caught-up' }))).rejects.toMatchObject({ code: 'wal-diverged' });
    await older.query('INSERT INTO t SELECT 7 FROM generate_series(1, 20000)');
    await expect(receiveWal(requestOf(older, { until: 'caught-up' }))).rejects.toMatchObject({
      code: 'wal-diverged',
      message: containing('is not what is stored'),
    });
    await judgeWal(path, cluster);
  });
});
