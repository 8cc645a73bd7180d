/** A Redis snapshot is loaded by a server of the drill's own, which has to say how many keys it found. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, isError } from '../../errors.ts';
import { connectRedis, type RedisConnection } from '../../sources/redis/redis-connection.ts';
import { restoreRedis } from '../../sources/redis/restore-redis.ts';
import { readRedisManifest, snapshotPath } from '../../sources/redis/redis-manifest.ts';
import { parseInfo } from '../../sources/redis/server-info.ts';
import type { DrillRun, DrillTimer, PlannedComponent, RestoreFindings } from './drill-run.ts';
import { startRedisHere, startRedisInContainer } from './loading-redis.ts';
import { openProvedTree, proveAll } from './proved-tree.ts';
import { readKeyCount } from './read-key-count.ts';

const startLimitMs = 60_000;

/** Throws `damaged` for a snapshot that is not the one that was saved, and where no server will load it. */
export async function drillRedis(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  const { room, context, places } = run;
  const proved = openProvedTree(run, component);
  const manifest = await readRedisManifest(proved.tree);
  const folder = join(room.folder, `redis-${room.next()}`);
  await mkdir(folder, { mode: 0o700 });
  room.onEnd(`the folder ${folder}`, () => rm(folder, { recursive: true, force: true }));
  places.folders.set(component.name, folder);
  const request = { into: { folder }, dbFileName: 'dump.rdb', appendOnly: false };
  await timer.time('restore', () => restoreRedis({ from: proved.tree, request, context, title: component.name }));
  await proveAll(proved);
  const expected = await readKeyCount(proved.tree.read(snapshotPath));
  const found = await timer.time('load', () => loadKeys(run, component, folder));
  const bytes = manifest.snapshot.size;
  if (found === undefined) {
    const remarks = ['no redis-server of this machine or of the image of the live one could load it: only its checksum was compared'];
    return { bytes, compared: { streams: proved.proved(), bytes }, mismatches: [], remarks };
  }
  const mismatches: string[] = [];
  // Keys whose time is up are left out when a snapshot is loaded.
  if (expected !== undefined && (found.first > expected.keys || found.first < expected.keys - expected.expiring))
    mismatches.push(`the first database has ${found.first} keys, and ${expected.keys} were saved, ${expected.expiring} of them for a time`);
  return { bytes, compared: { keys: found.all, streams: proved.proved(), bytes }, mismatches, remarks: [] };
}

interface LoadedKeys {
  readonly all: number;
  readonly first: number;
}

/** Undefined where there is no server to load it. */
async function loadKeys(run: DrillRun, component: PlannedComponent, folder: string): Promise<LoadedKeys | undefined> {
  const server = (await startRedisHere(run, folder)) ?? (await startRedisInContainer(run, component, folder));
  if (server === undefined) return undefined;
  run.room.onEnd('a Redis server', server.stop);
  const connection = await connect(run, join(folder, 's'), server.hasEnded);
  try {
    const info = parseInfo(String(await connection.command('INFO', 'keyspace')));
    const counts = [...info].flatMap(([name, value]) => {
      const keys = Number(/^keys=(\d+)/.exec(value)?.[1] ?? Number.NaN);
      return /^db\d+$/.test(name) && !Number.isNaN(keys) ? [{ name, keys }] : [];
    });
    const all = counts.reduce((sum, { keys }) => sum + keys, 0);
    return { all, first: counts.toSorted((a, b) => numberOf(a.name) - numberOf(b.name))[0]?.keys ?? 0 };
  } finally {
    connection.close();
    await server.stop();
  }
}

function numberOf(database: string): number {
  return Number(database.slice(2));
}

/** While it loads it answers that it does. Throws `damaged` where it ends instead. */
async function connect({ context }: DrillRun, socketPath: string, hasEnded: () => boolean): Promise<RedisConnection> {
  const { clock, signal } = context;
  const until = clock.now().getTime() + startLimitMs;
  for (;;) {
    const failed = (reason: string): HoldfastError => new HoldfastError('damaged', { object: snapshotPath, reason });
    try {
      const connection = await connectRedis({ host: 'localhost', port: 0, socketPath }, signal);
      if ((await connection.command('PING').catch(() => undefined)) === 'PONG') return connection;
      connection.close();
    } catch (error) {
      if (!isError(error, 'redis-unreachable')) throw error;
      if (hasEnded()) throw failed('a Redis server of the drill ended instead of loading it');
      if (clock.now().getTime() > until) throw failed(`a Redis server of the drill was not there within ${startLimitMs / 1000} s`);
    }
    await sleep(50, undefined, { signal }).catch(() => {});
  }
}
