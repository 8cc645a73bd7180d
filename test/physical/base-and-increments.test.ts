import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { baseLayout } from '../../src/sources/postgres/physical/base-layout.ts';
import { createSyntheticFull } from '../../src/sources/postgres/physical/synthetic-full.ts';
import { serverVersions } from '../harness/postgres/server-versions.ts';
import { type ClusterOptions, startCluster, type ThrowawayCluster } from '../harness/postgres/throwaway-cluster.ts';
import { makePhysicalBench, type PhysicalBench, type StoredBase, tablespaceBeside } from './physical-bench.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let bench: PhysicalBench;
const clusters: ThrowawayCluster[] = [];
beforeEach(async () => {
  bench = await makePhysicalBench();
});
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.stop();
  await bench.close();
});

async function start(options: ClusterOptions): Promise<ThrowawayCluster> {
  const cluster = await startCluster(options);
  clusters.push(cluster);
  return cluster;
}

/* Pages are written whole to WAL only where that is on, and what is torn is healed by nothing else. */
const settings = { full_page_writes: 'on' };

async function fill(cluster: ThrowawayCluster): Promise<void> {
  await cluster.createTablespace('elsewhere');
  await cluster.query(`
    CREATE TABLE big AS SELECT n AS id, md5(n::text) AS word, 0 AS turn FROM generate_series(1, 100000) n;
    ALTER TABLE big ADD PRIMARY KEY (id);
    CREATE TABLE shrinking AS SELECT n AS id, repeat('x', 500) AS filler FROM generate_series(1, 4000) n;
    CREATE TABLE emptied AS SELECT n AS id FROM generate_series(1, 20000) n;
    CREATE TABLE dropped AS SELECT n AS id FROM generate_series(1, 20000) n;
    CREATE TABLE rewritten AS SELECT n AS id, md5(n::text) AS word FROM generate_series(1, 20000) n;
    CREATE TABLE far TABLESPACE elsewhere AS SELECT n AS id, md5(n::text) AS word FROM generate_series(1, 30000) n;
    CREATE UNLOGGED TABLE fleeting AS SELECT n AS id FROM generate_series(1, 20000) n`);
  await cluster.query('VACUUM ANALYZE');
}

/** Everything that can become of a relation: scattered updates, growth, truncation at the end, TRUNCATE, DROP, CREATE, VACUUM FULL. */
async function change(cluster: ThrowawayCluster, turn: number): Promise<void> {
  for (const sql of [
    `UPDATE big SET turn = ${turn} WHERE id % 997 = ${turn}`,
    `INSERT INTO big SELECT n, md5(n::text), ${turn} FROM generate_series(${100_000 * turn + 1}, ${100_000 * turn + 5000}) n`,
    `DELETE FROM shrinking WHERE id > ${4000 - turn * 1000}`,
    'VACUUM shrinking',
    turn === 1 ? 'TRUNCATE emptied' : `INSERT INTO emptied SELECT n FROM generate_series(1, ${turn * 15_000}) n`,
    `DROP TABLE IF EXISTS ${turn === 1 ? 'dropped' : `fresh${turn - 1}`}`,
    `CREATE TABLE fresh${turn} AS SELECT n AS id FROM generate_series(1, 20000) n`,
    'VACUUM FULL rewritten',
    `UPDATE far SET word = '${turn}' WHERE id % 499 = 0`,
    'CHECKPOINT',
  ])
    await cluster.query(sql);
}

const questions = `
SELECT 'big' AS name, count(*)::text AS rows, sum(hashtext(big::text))::text AS sum FROM big
UNION ALL SELECT 'shrinking', count(*)::text, sum(id)::text FROM shrinking
UNION ALL SELECT 'emptied', count(*)::text, sum(id)::text FROM emptied
UNION ALL SELECT 'rewritten', count(*)::text, sum(hashtext(word))::text FROM rewritten
UNION ALL SELECT 'far', count(*)::text, sum(hashtext(far::text))::text FROM far
UNION ALL SELECT 'tables', count(*)::text, string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'by index', count(*)::text, sum(turn)::text FROM big WHERE id BETWEEN 500 AND 40000 ORDER BY 1`;

const ask = (cluster: ThrowawayCluster): Promise<unknown> => cluster.query(questions);

/** Puts a base together, lets PostgreSQL's own tool judge it, starts it. */
async function startFrom(
  chain: readonly StoredBase[],
  source: ThrowawayCluster,
  look: (folder: string) => Promise<void> = async () => {},
): Promise<ThrowawayCluster> {
  return start({
    version: source.version,
    from: {
      password: source.password,
      fill: async (folder) => {
        const { manifest, files } = await bench.assemble(chain, folder);
        expect(files).toBeGreaterThan(900);
        for (const { oid } of manifest.tablespaces)
          expect(await readlink(join(folder, 'pg_tblspc', oid))).toBe(tablespaceBeside(folder, oid));
        if (source.version === 15) execFileSync('/usr/lib/postgresql/15/bin/pg_verifybackup', ['-q', folder]);
        expect(existsSync(join(folder, 'holdfast-incomplete'))).toBe(false);
        expect((await lstat(folder)).mode & 0o777).toBe(0o700);
        await look(folder);
        for (const { oid } of manifest.tablespaces) {
          const place = tablespaceBeside(folder, oid);
          execFileSync('chown', ['-R', 'postgres:postgres', place]);
        }
      },
    },
  });
}

describe.each(serverVersions)('version %i', (version) => {
  test('a full and increments by page hashes are the cluster as it was each time', async () => {
    const source = await start({ version, checksums: true, settings });
    await fill(source);
    const bases: StoredBase[] = [];
    const answers: unknown[] = [];
    for (const turn of version === 15 ? [0, 1, 2, 3] : [0, 1]) {
      if (turn > 0) await change(source, turn);
      answers.push(await ask(source));
      const last = bases.at(-1);
      const base = await bench.backUp(source, last === undefined ? {} : { previous: last });
      expect(base.manifest).toMatchObject({
        kind: turn === 0 ? 'full' : 'increment',
        major: version,
        chain: bases.map(({ snapshotId }) => snapshotId),
        tablespaces: [{ name: 'elsewhere' }],
      });
      if (turn > 0) expect(base.added).toBeLessThan(bases[0]?.added ?? 0);
      bases.push(base);
    }
    /* A full one by itself is restored by restic below, and a chain of two where one of them is synthetic. */
    const restored = await startFrom(bases, source);
    expect(await ask(restored)).toEqual(answers.at(-1));
  });
});

test('what stock restic restores of a full starts unaided', async () => {
  const source = await start({ version: 15, checksums: true, settings });
  await fill(source);
  await bench.backUp(source);
  const out = join(bench.folder, 'by-restic');
  const repository = join(bench.folder, 'repository');
  execFileSync('restic', ['-r', repository, '--no-cache', 'restore', 'latest', '--target', out], {
    env: { ...process.env, RESTIC_PASSWORD: 'x' },
    stdio: 'pipe',
  });
  const data = join(out, 'postgres/cluster/data');
  execFileSync('/usr/lib/postgresql/15/bin/pg_verifybackup', ['-q', data]);
  const restored = await start({
    version: 15,
    from: {
      password: source.password,
      fill: async (folder) => {
        await cp(data, folder, { recursive: true, verbatimSymlinks: true });
        await cp(join(out, 'postgres/cluster/tablespaces'), join(folder, '../tablespaces'), { recursive: true });
      },
    },
  });
  expect(await ask(restored)).toEqual(await ask(source));
});

test('a synthetic full is the last of its chain, and what the next increment builds on', async () => {
  const source = await start({ version: 15, checksums: true, settings });
  await fill(source);
  const full = await bench.backUp(source);
  await change(source, 1);
  const first = await bench.backUp(source, { previous: full });
  await change(source, 2);
  const second = await bench.backUp(source, { previous: first });
  const synthetic = await bench.store(createSyntheticFull({ component: 'database', chain: [full, first, second] }));
  expect(synthetic.manifest).toEqual({ ...second.manifest, kind: 'full', chain: [], pagesChanged: undefined });
  expect(await ask(await startFrom([synthetic], source))).toEqual(await ask(source));
  await change(source, 3);
  const after = await bench.backUp(source, { previous: synthetic });
  expect(after.manifest.pagesChanged).toBeLessThan(1500);
  expect(await ask(await startFrom([synthetic, after], source))).toEqual(await ask(source));
});

test('while the server writes, recycles WAL and tears pages, increments are made whose replay heals it all', async () => {
  const source = await start({ version: 15, checksums: true, settings: { ...settings, max_wal_size: '32MB', min_wal_size: '32MB' } });
  await fill(source);
  let last = await bench.backUp(source);
  const stop = new AbortController();
  const writing = (async () => {
    for (let round = 0; !stop.signal.aborted; round += 1) {
      await source.query(`UPDATE big SET turn = turn + 1 WHERE id % 7 = ${round % 7}`);
      await source.query('CHECKPOINT');
    }
  })();
  try {
    for (let turn = 0; turn < 2; turn += 1) last = await bench.backUp(source, { previous: last });
  } finally {
    stop.abort();
    await writing;
  }
  const restored = await startFrom(bench.chainOf(last), source);
  expect(await restored.query('SELECT count(*), count(DISTINCT id) AS ids, count(DISTINCT word) AS words FROM big')).toEqual([
    { count: '100000', ids: '100000', words: '100000' },
  ]);
  const where = ['-h', restored.host, '-p', String(restored.port), '-U', 'postgres', 'postgres'];
  execFileSync('/usr/lib/postgresql/15/bin/pg_amcheck', ['--install-missing', '--heapallindexed', ...where], {
    env: { PGPASSWORD: restored.password },
    stdio: 'pipe',
  });
});

test('without a free slot a base backup is made all the same, and it is said', async () => {
  const messages: string[] = [];
  const quiet = await makePhysicalBench((event) => void (event.type === 'notice' && messages.push(event.message)));
  try {
    const source = await start({ version: 15, settings: { ...settings, max_replication_slots: '0' } });
    const base = await quiet.backUp(source);
    expect(messages.join()).toContain('is not kept from removing WAL');
    await quiet.assemble([base], join(quiet.folder, 'assembled'));
  } finally {
    await quiet.close();
  }
});

describe.each(serverVersions.filter((version) => version >= 17))('version %i', (version) => {
  test('increments that the server made are combined, with a manifest and a label of the whole', async () => {
    const source = await start({ version, checksums: true, settings: { ...settings, summarize_wal: 'on' } });
    await fill(source);
    const full = await bench.backUp(source);
    await change(source, 1);
    /* The first by hashes, then by the server: both can be in one chain, in this order. */
    const first = await bench.backUp(source, { previous: full });
    await change(source, 2);
    const second = await bench.backUp(source, { previous: first, serverSide: true });
    await change(source, 3);
    const third = await bench.backUp(source, { previous: second, serverSide: true });
    expect(third.manifest).toMatchObject({ serverSide: true, chain: [full.snapshotId, first.snapshotId, second.snapshotId] });
    const chain = bench.chainOf(third);
    let made = '';
    const answers = await ask(source);
    const whole = await startFrom(chain, source, async (folder) => {
      expect(await readFile(join(folder, 'backup_label'), 'utf8')).not.toContain('INCREMENTAL');
      made = await readFile(join(folder, 'backup_manifest'), 'utf8');
      expect(made).not.toContain('INCREMENTAL');
    });
    expect(await ask(whole)).toEqual(answers);
    await expect(bench.backUp(source, { previous: third })).rejects.toMatchObject({ code: 'base-chain' });
    const synthetic = await bench.store(createSyntheticFull({ component: 'database', chain }));
    const pieces: Uint8Array[] = [];
    for await (const piece of synthetic.tree.read(baseLayout.serverManifest)) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe(made);
    /* With page hashes once more, which its maker computed. */
    await change(source, 4);
    const after = await bench.backUp(source, { previous: synthetic });
    expect(await ask(await startFrom([synthetic, after], source))).toEqual(await ask(source));
  });
});
