import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { serverVersions } from '../../../test/harness/postgres/server-versions.ts';
import type { HoldfastEvent } from '../../events.ts';
import { openBase } from '../point-in-time/find-bases.ts';
import { startSavedServer, type SavedServer } from '../point-in-time/testing/saved-server.ts';
import { loadPoints } from '../points.ts';

let saved: SavedServer | undefined;
afterEach(async () => {
  await saved?.stop();
  saved = undefined;
});

/** Takes away what the server knows about changes, and the log that it could be found in. */
async function forget({ cluster, settle }: SavedServer): Promise<void> {
  await cluster.query('ALTER SYSTEM SET summarize_wal = off');
  await cluster.query('SELECT pg_reload_conf()');
  const [wal, summaries] = [join(cluster.dataFolder, 'pg_wal'), join(cluster.dataFolder, 'pg_wal/summaries')];
  const old = (await readdir(wal)).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const isLeft = async (): Promise<boolean> => (await readdir(wal)).includes(old.toSorted()[0] ?? '');
  for (let turn = 0; turn < 20 && (await isLeft()); turn += 1) {
    await cluster.query('INSERT INTO orders SELECT 1');
    await cluster.query('SELECT pg_switch_wal()');
    await settle();
    await sleep(300);
    await cluster.query('CHECKPOINT');
  }
  expect(await isLeft()).toBe(false);
  for (const name of await readdir(summaries)) await rm(join(summaries, name));
  await cluster.query('ALTER SYSTEM SET summarize_wal = on');
  await cluster.query('SELECT pg_reload_conf()');
}

test.each(serverVersions.filter((version) => version >= 17))(
  'PostgreSQL %i: an increment that the server refuses is made by page hashes, or a full one instead',
  async (version) => {
    saved = await startSavedServer({ version, settings: { summarize_wal: 'on', min_wal_size: '32MB', max_wal_size: '48MB' } });
    const { cluster, repository, context } = saved;
    await cluster.query('CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 20000) n');
    const notices: string[] = [];
    const events = (event: HoldfastEvent): void => void (event.type === 'notice' && notices.push(event.message));
    const take = async () => {
      notices.length = 0;
      const id = await saved?.takeBase(events);
      const point = (await loadPoints(repository)).find((each) => each.id === id);
      const snapshot = point?.components[0];
      if (point === undefined || snapshot === undefined) throw new Error('no point was made');
      const { manifest } = await openBase(repository, { pointId: point.id, snapshot }, context.signal);
      const { kind, serverSide = false } = manifest;
      return { kind, serverSide, needs: snapshot.tags.needs?.length ?? 0, status: point.status };
    };
    expect(await take()).toMatchObject({ kind: 'full', needs: 0 });
    await forget(saved);
    expect(await take()).toEqual({ kind: 'increment', serverSide: false, needs: 1, status: 'complete' });
    expect(notices.join()).toMatch(/does not say which pages changed .*found by their hashes/);
    await cluster.query('INSERT INTO orders SELECT 2');
    expect(await take()).toEqual({ kind: 'increment', serverSide: true, needs: 2, status: 'complete' });
    await forget(saved);
    expect(await take()).toEqual({ kind: 'full', serverSide: false, needs: 0, status: 'complete' });
    expect(notices.join()).toMatch(/does not say which pages changed .*a full base backup is made/);
    expect(await take()).toEqual({ kind: 'increment', serverSide: true, needs: 1, status: 'complete' });
  },
  240_000,
);
