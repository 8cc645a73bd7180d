/**
 * The network between the server and the receiver of WAL, at its worst: cut, reset, delayed, refused, in the middle of a message. What arrives in
 * the end is the server's WAL, byte by byte, without a gap. HOLDFAST_WAL_CUTS says how often (12 by default), HOLDFAST_SEED repeats a run.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { openSealedObjects } from '../../src/engine/objects/sealed-objects.ts';
import { parseConnection } from '../../src/sources/postgres/connection.ts';
import { connectReplication } from '../../src/sources/postgres/replication/connect-replication.ts';
import { createWalFeed } from '../../src/sources/postgres/replication/wal-feed.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { systemClock } from '../../src/util/clock.ts';
import { openWalArchive } from '../../src/wal/open-wal-archive.ts';
import { startWalReceiver, type WalReceiver } from '../../src/wal/receive-wal.ts';
import { startCluster } from '../harness/postgres/throwaway-cluster.ts';
import { createQuickRepository, openQuickRepository } from '../harness/repositories/quick-repository.ts';
import { seededBelow } from '../harness/trees/seeded-bytes.ts';
import { judgeWal, writeRows } from './wal-judgement.ts';
import { startWalProxy } from './wal-proxy.ts';

const cuts = Number(process.env['HOLDFAST_WAL_CUTS'] ?? 12);
const seed = process.env['HOLDFAST_SEED'] ?? randomBytes(4).toString('hex');
vi.setConfig({ testTimeout: 60_000 + cuts * 10_000, hookTimeout: 60_000 });

const place = await makeWorkplace();
afterAll(() => place.remove());

test(`${cuts} faults of the network under load (seed ${seed})`, async () => {
  const cluster = await startCluster({ version: 15, settings: { wal_keep_size: '4GB', max_wal_size: '4GB' } });
  const proxy = await startWalProxy(cluster.port);
  const path = place.path('repository');
  await createQuickRepository(path);
  const repository = await openQuickRepository(path);
  await cluster.query('CREATE TABLE load (id bigserial PRIMARY KEY, text text)');
  const connection = { ...parseConnection(cluster.url('postgres'), {}), port: proxy.port };
  const stop = new AbortController();
  const start = (signal: AbortSignal, until?: 'caught-up'): WalReceiver =>
    startWalReceiver({
      feed: () =>
        createWalFeed({
          connect: () => connectReplication({ connection, applicationName: 'holdfast_net' }),
          openSession: () => openSession(connection),
        }),
      archive: (systemId) => openWalArchive(openSealedObjects(repository), systemId),
      slot: 'net',
      flushMs: 100,
      synchronous: false,
      clock: systemClock,
      events: () => {},
      signal,
      ...(until === undefined ? {} : { until }),
    });
  const load = writeRows(cluster, 0);
  const receiver = start(stop.signal);
  let failure: Error | undefined;
  receiver.done.catch((error: unknown) => (failure = error instanceof Error ? error : new Error(String(error))));
  try {
    for (let round = 1; round <= cuts && failure === undefined; round += 1) {
      const draw = (what: string, below: number): number => seededBelow(`${seed} ${what} ${round}`, below);
      while (receiver.status().state !== 'streaming' && failure === undefined) await sleep(10);
      await sleep(draw('wait', 600));
      const fault = (['close', 'reset', 'refuse', 'stall', 'cut'] as const)[draw('fault', 5)] ?? 'reset';
      if (fault === 'cut') proxy.cutAfter(draw('bytes', 400_000));
      else if (fault === 'stall') await proxy.stall(draw('stall', 500));
      else if (fault === 'refuse') await proxy.refuse(draw('refuse', 700));
      else proxy.drop(fault);
    }
    if (failure !== undefined) throw failure;
    proxy.heal();
    await load.stop();
    stop.abort();
    const { reconnects } = await receiver.done;
    expect(reconnects).toBeGreaterThan(0);
  } finally {
    await load.stop();
  }
  const { shipped } = await start(new AbortController().signal, 'caught-up').done;
  const { end, commits, segments } = await judgeWal(path, cluster);
  expect(end).toBe(shipped);
  expect(segments).toBeGreaterThan(0);
  expect(commits).toBeGreaterThanOrEqual(load.acknowledged());
  await repository.close();
  await proxy.stop();
  await cluster.stop();
});
