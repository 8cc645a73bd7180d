import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { containing, matching } from '../../../../test/harness/programs/expected-text.ts';
import { serverVersions } from '../../../../test/harness/postgres/server-versions.ts';
import { type ClusterOptions, type ThrowawayCluster, startCluster } from '../../../../test/harness/postgres/throwaway-cluster.ts';
import { startTcpProxy } from '../../../../test/harness/postgres/tcp-proxy.ts';
import { writeBase } from '../../../../test/harness/postgres/write-base.ts';
import { parseConnection } from '../connection.ts';
import { openSession } from '../session.ts';
import { baseBackup } from './base-backup.ts';
import { connectReplication } from './connect-replication.ts';
import { formatLsn } from '../../../util/lsn.ts';
import { type ServerWalFeed, createWalFeed } from './wal-feed.ts';
import type { WalMessage } from './wal-message.ts';
import type { ServerWalStream } from './wal-stream.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const clusters: ThrowawayCluster[] = [];
const feeds: ServerWalFeed[] = [];

afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.close();
  for (const cluster of clusters.splice(0)) await cluster.stop();
});

async function start(options: ClusterOptions = {}): Promise<ThrowawayCluster> {
  const cluster = await startCluster(options);
  clusters.push(cluster);
  return cluster;
}

async function open(cluster: ThrowawayCluster): Promise<ServerWalFeed> {
  const connection = parseConnection(cluster.url('postgres'), {});
  const feed = await createWalFeed({
    connect: () => connectReplication({ connection, applicationName: 'holdfast_test' }),
    openSession: () => openSession(connection),
  });
  feeds.push(feed);
  return feed;
}

const never = new AbortController().signal;

/** Reads until the stream has reached a position. Checks that nothing is left out between the messages. */
async function readTo(stream: ServerWalStream, from: bigint, to: bigint): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let at = from;
  for await (const message of stream.messages) {
    if (message.bytes.length === 0) continue;
    expect(message.start).toBe(at);
    at += BigInt(message.bytes.length);
    pieces.push(Buffer.from(message.bytes));
    stream.confirm({ written: at, flushed: at });
    if (at >= to) break;
  }
  return Buffer.concat(pieces);
}

async function flushed(cluster: ThrowawayCluster): Promise<bigint> {
  const [row] = await cluster.query<{ at: string }>("SELECT (pg_current_wal_flush_lsn() - '0/0')::text AS at");
  return BigInt(row?.at ?? 0);
}

function segmentOf(position: bigint, size: number): bigint {
  return position - (position % BigInt(size));
}

describe.each(serverVersions)('version %i', (version) => {
  test('what streams is what the server has on its disk, byte for byte', async () => {
    const cluster = await start({ version, settings: { synchronous_commit: 'on' } });
    const feed = await open(cluster);
    await feed.createSlot('kept');
    const begun = await feed.identify();
    expect(begun).toMatchObject({ systemId: matching(/^\d{19}$/), timeline: 1 });
    expect(feed.server).toEqual({ version: expect.any(Number) as number, segmentSize: 16 * 1024 * 1024 });
    const from = segmentOf(begun.position, feed.server.segmentSize);
    const load = (async () => {
      await cluster.query('CREATE TABLE things (id int, word text)');
      for (let n = 0; n < 20; n += 1)
        await cluster.query(`INSERT INTO things SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, 1500) n`);
    })();
    const stream = await feed.stream({ slot: 'kept', start: from, timeline: 1, signal: never });
    await load;
    const to = await flushed(cluster);
    expect(to - from).toBeGreaterThan(20n * 1024n * 1024n);
    const bytes = await readTo(stream, from, to);
    let position = from;
    while (position < to) {
      const name = `00000001${(position >> 32n).toString(16).padStart(8, '0')}${((position & 0xff_ff_ff_ffn) >> 24n).toString(16).padStart(8, '0')}`;
      const onDisk = await readFile(join(cluster.dataFolder, 'pg_wal', name.toUpperCase()));
      const here = bytes.subarray(Number(position - from)).subarray(0, onDisk.length);
      expect(here.equals(onDisk.subarray(0, here.length))).toBe(true);
      position += BigInt(onDisk.length);
    }
  });
});

test('a promoted standby ends its timeline and says where the next begins', async () => {
  const primary = await start();
  const replication = await connectReplication({ connection: parseConnection(primary.url('postgres'), {}) });
  const backup = await baseBackup(replication, { checkpoint: 'fast', label: 'standby', signal: never });
  const standby = await start({
    from: {
      password: primary.password,
      fill: async (folder) => {
        await writeBase(backup, folder, (oid) => `${folder}-${oid}`);
        await writeFile(join(folder, 'standby.signal'), '');
      },
    },
    settings: { primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres password=${primary.password}` },
  });
  await replication.close();
  const feed = await open(standby);
  const { position, timeline } = await feed.identify();
  expect(timeline).toBe(1);
  const from = segmentOf(position, feed.server.segmentSize);
  const stream = await feed.stream({ start: from, timeline: 1, signal: never });
  await primary.query('CREATE TABLE before_switch AS SELECT 1');
  const messages: WalMessage[] = [];
  let end = from;
  const promoted = sleep(500).then(() => standby.query('SELECT pg_promote()'));
  for await (const message of stream.messages) {
    messages.push(message);
    if (message.bytes.length > 0) end = message.start + BigInt(message.bytes.length);
    stream.confirm({ written: end, flushed: end });
  }
  await promoted;
  const next = await stream.next;
  expect(next).toEqual({ timeline: 2, switchPoint: end });
  const history = await feed.readHistory(2);
  expect(history.name).toBe('00000002.history');
  expect(history.content.toString()).toContain(`1\t${formatLsn(end)}\tno recovery target specified`);
  /* Asking for what is exactly at the end of the old timeline leads straight to the new one. */
  const empty = await feed.stream({ start: end, timeline: 1, signal: never });
  expect(await readTo(empty, end, end + 1n)).toHaveLength(0);
  expect(await empty.next).toEqual(next);
  await standby.query('CREATE TABLE after_switch AS SELECT 1');
  const segment = segmentOf(end, feed.server.segmentSize);
  const onward = await feed.stream({ start: segment, timeline: 2, signal: never });
  expect((await readTo(onward, segment, end + 1n)).length).toBeGreaterThan(0);
  await expect(feed.readHistory(7)).rejects.toMatchObject({ code: 'replication-failed' });
});

test('the life of a slot: reserved at once, created twice, active, dropped twice', async () => {
  const cluster = await start();
  const [first, second] = [await open(cluster), await open(cluster)];
  expect(await first.readSlot('mine')).toBeUndefined();
  await first.createSlot('mine');
  await first.createSlot('mine');
  const slot = await first.readSlot('mine');
  expect(slot).toMatchObject({ active: false, lost: false, restart: expect.any(BigInt) as bigint });
  const stop = new AbortController();
  const stream = await first.stream({ slot: 'mine', start: slot?.restart ?? 0n, timeline: 1, signal: stop.signal });
  const reading = readTo(stream, slot?.restart ?? 0n, 1n << 60n);
  reading.catch(() => {});
  await expect.poll(() => second.readSlot('mine').then((found) => found?.active)).toBe(true);
  await expect(second.stream({ slot: 'mine', start: slot?.restart ?? 0n, timeline: 1, signal: never })).rejects.toMatchObject({
    code: 'wal-slot-active',
    message: matching(/is active for PID \d+/),
  });
  await expect(second.dropSlot('mine')).rejects.toMatchObject({ code: 'wal-slot-active' });
  stop.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
  await expect.poll(() => second.readSlot('mine').then((found) => found?.active)).toBe(false);
  /* The feed whose stream was given up connects again by itself. */
  await first.dropSlot('mine');
  await first.dropSlot('mine');
  expect(await second.readSlot('mine')).toBeUndefined();
});

test('what is confirmed is what the slot lets go of, and a synchronous standby of that name counts', async () => {
  const cluster = await start({ settings: { synchronous_commit: 'on', synchronous_standby_names: 'holdfast_test' } });
  const feed = await open(cluster);
  await feed.createSlot('sync');
  const { position } = await feed.identify();
  const stream = await feed.stream({ slot: 'sync', start: position, timeline: 1, signal: never });
  let hasCommitted = false;
  let isConfirming = false;
  let end = position;
  const reading = (async () => {
    for await (const message of stream.messages) {
      end = message.start + BigInt(message.bytes.length);
      if (isConfirming) stream.confirm({ written: end, flushed: end });
    }
  })();
  reading.catch(() => {});
  /* Who never says what is safe with him is not waited for. */
  stream.confirm({ written: position, flushed: position });
  await expect.poll(() => cluster.query('SELECT sync_state FROM pg_stat_replication')).toEqual([{ sync_state: 'sync' }]);
  const commit = cluster.query('CREATE TABLE waited AS SELECT 1').then(() => (hasCommitted = true));
  await sleep(300);
  expect(hasCommitted).toBe(false);
  isConfirming = true;
  stream.confirm({ written: end, flushed: end });
  await commit;
  await expect.poll(() => feed.readSlot('sync').then((found) => (found?.restart ?? 0n) > position)).toBe(true);
});

test('WAL that the server has removed is refused, with and without a slot', async () => {
  const cluster = await start({
    settings: { max_slot_wal_keep_size: '1MB', wal_keep_size: '0', max_wal_size: '32MB', min_wal_size: '32MB' },
  });
  const feed = await open(cluster);
  await feed.createSlot('forgotten');
  const { position } = await feed.identify();
  for (let n = 0; n < 5; n += 1) {
    await cluster.query('CREATE TABLE IF NOT EXISTS things (word text)');
    await cluster.query("INSERT INTO things SELECT repeat('x', 500) FROM generate_series(1, 40000)");
    await cluster.query('SELECT pg_switch_wal()');
    await cluster.query('CHECKPOINT');
  }
  expect(await feed.readSlot('forgotten')).toMatchObject({ lost: true });
  const read = async (slot: object): Promise<unknown> =>
    readTo(await feed.stream({ ...slot, start: segmentOf(position, feed.server.segmentSize), timeline: 1, signal: never }), 0n, 1n);
  await expect(read({})).rejects.toMatchObject({ code: 'wal-removed' });
  await expect(read({ slot: 'forgotten' })).rejects.toMatchObject({ code: matching(/^wal-(slot-lost|removed)$/) });
});

test('a server that stops in good order ends the stream; one that is killed breaks it', async () => {
  const cluster = await start();
  const feed = await open(cluster);
  const begin = async (): Promise<{ stream: ServerWalStream; ended: Promise<void> }> => {
    const { position } = await feed.identify();
    const stream = await feed.stream({ start: position, timeline: 1, signal: never });
    const ended = (async () => {
      for await (const message of stream.messages) {
        const end = message.start + BigInt(message.bytes.length);
        stream.confirm({ written: end, flushed: end });
      }
    })();
    ended.catch(() => {});
    return { stream, ended };
  };
  const first = await begin();
  await cluster.halt();
  await first.ended;
  expect(await first.stream.next).toBeUndefined();
  await expect(feed.identify()).rejects.toMatchObject({ code: 'postgres-unreachable' });
  await cluster.restart();
  const second = await begin();
  await cluster.kill();
  await expect(second.ended).rejects.toMatchObject({ code: 'replication-lost' });
  await cluster.restart();
  expect(await feed.readSlot('none')).toBeUndefined();
  expect(await feed.identify()).toMatchObject({ timeline: 1 });
});

test('a server that is quiet is asked; one that does not answer is given up', async () => {
  const cluster = await start();
  const proxy = await startTcpProxy(cluster.port);
  try {
    const connection = parseConnection(cluster.url('postgres').replace(`:${cluster.port}`, `:${proxy.port}`), {});
    const feed = await createWalFeed({
      connect: () => connectReplication({ connection }),
      openSession: () => openSession(connection),
      statusEvery: 50,
    });
    feeds.push(feed);
    const { position } = await feed.identify();
    const stream = await feed.stream({ start: position, timeline: 1, signal: never });
    let answers = 0;
    const ended = (async () => {
      for await (const message of stream.messages) if (message.bytes.length === 0) answers += 1;
    })();
    ended.catch(() => {});
    await expect.poll(() => answers, { timeout: 10_000 }).toBeGreaterThan(3);
    proxy.freeze(true);
    await expect(ended).rejects.toMatchObject({ code: 'replication-lost', message: containing('nothing came from the server') });
  } finally {
    await proxy.stop();
  }
});

test('a server that is not as far as what is asked for is another one', async () => {
  const cluster = await start();
  const feed = await open(cluster);
  const { position } = await feed.identify();
  const ahead = { start: position + (1n << 34n), timeline: 1, signal: never };
  for (const timeline of [1, 9])
    await expect((async () => readTo(await feed.stream({ ...ahead, timeline }), 0n, 1n))()).rejects.toMatchObject({ code: 'wal-diverged' });
  expect(await feed.identify()).toMatchObject({ timeline: 1 });
});

test.each([1, 64])('segments of %i MiB are known as such', async (segmentMegabytes) => {
  const cluster = await start({ segmentMegabytes, settings: { min_wal_size: '128MB', max_wal_size: '256MB' } });
  expect((await open(cluster)).server.segmentSize).toBe(segmentMegabytes * 1024 * 1024);
});
