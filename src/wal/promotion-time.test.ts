import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { serverVersions } from '../../test/harness/postgres/server-versions.ts';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { CommitScanner } from './commit-scanner.ts';
import type { PromotionMark } from './promotion-record.ts';
import { looksLikeSegment, parseSegmentName, segmentStart } from './segment-name.ts';

vi.setConfig({ testTimeout: 120_000 });

const clusters: ThrowawayCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.stop();
});

const now = async (cluster: ThrowawayCluster): Promise<number> => {
  const [row] = await cluster.query<{ at: Date }>('SELECT clock_timestamp() AS at');
  return row?.at.getTime() ?? 0;
};

async function copyOf(source: ThrowawayCluster, signal: 'standby.signal' | 'recovery.signal'): Promise<ThrowawayCluster> {
  const settings = signal === 'recovery.signal' ? { restore_command: 'false' } : {};
  const copy = await startCluster({
    version: source.version,
    settings,
    from: {
      password: source.password,
      fill: async (folder) => {
        await cp(source.dataFolder, folder, { recursive: true });
        await rm(join(folder, 'postmaster.pid'), { force: true });
        await writeFile(join(folder, signal), '');
      },
    },
  });
  clusters.push(copy);
  return copy;
}

async function promotionsOf(cluster: ThrowawayCluster): Promise<PromotionMark[]> {
  const folder = join(cluster.dataFolder, 'pg_wal');
  const marks: PromotionMark[] = [];
  for (const name of (await readdir(folder)).filter((each) => looksLikeSegment(each) && each.startsWith('00000002')).toSorted()) {
    const bytes = await readFile(join(folder, name));
    const scanner = new CommitScanner(
      () => {},
      (mark) => marks.push(mark),
    );
    scanner.feed(segmentStart(parseSegmentName(name, bytes.length).number, bytes.length), bytes);
  }
  return marks;
}

test.each(serverVersions)(
  'PostgreSQL %i: the moment of a promotion stands where the timeline begins, however it came to it',
  async (version) => {
    const source = await startCluster({ version });
    clusters.push(source);
    await source.query('CREATE TABLE t AS SELECT 1');
    const before = await now(source);
    // A checkpoint of the server that is stopped is none of a promotion.
    await source.halt();
    for (const signal of ['standby.signal', 'recovery.signal'] as const) {
      const copy = await copyOf(source, signal);
      if (signal === 'standby.signal') await copy.query('SELECT pg_promote()');
      for (let left = 100; left > 0; left -= 1) {
        const [row] = await copy.query<{ is: boolean }>('SELECT pg_is_in_recovery() AS is');
        if (row?.is === false) break;
      }
      await copy.query('CREATE TABLE later AS SELECT 1');
      const after = await now(copy);
      await copy.query('CHECKPOINT');
      const marks = await promotionsOf(copy);
      expect(marks).toEqual([{ timeline: 2, at: expect.any(Date) as Date }]);
      // Checkpoints count whole seconds.
      expect(marks[0]?.at.getTime()).toBeGreaterThanOrEqual(before - 1000);
      expect(marks[0]?.at.getTime()).toBeLessThanOrEqual(after);
    }
  },
);
