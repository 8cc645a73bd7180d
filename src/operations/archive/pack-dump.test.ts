import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../../test/harness/postgres/throwaway-cluster.ts';
import { ArchiveReader } from '../../sources/postgres/archive/archive-reader.ts';
import { packDump } from './pack-dump.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let cluster: ThrowawayCluster;
let folder: string;

async function shell(script: string): Promise<string> {
  const env = {
    PATH: `${cluster.toolsFolder}:/usr/bin:/bin`,
    PGHOST: cluster.socketFolder,
    PGPORT: String(cluster.port),
    PGUSER: 'postgres',
  };
  return (await promisify(execFile)('/bin/bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: folder, env, maxBuffer: 2 ** 28 })).stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-pack-'));
  cluster = await startCluster({ databases: ['shop'] });
  await cluster.psql(
    `CREATE TABLE item (id int, name text); INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, 60000) i;
     CREATE TABLE small (x text); INSERT INTO small VALUES ('one'); CREATE TABLE empty (x int);
     SELECT lo_from_bytea(0, 'short'), lo_from_bytea(0, convert_to(repeat('long ', 100000), 'UTF8')), lo_from_bytea(0, '');`,
    'shop',
  );
});
afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function pack(dump: Buffer, step: number): Promise<Buffer> {
  const pieces = async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < dump.length; at += step) yield dump.subarray(at, at + step);
  };
  const out: Uint8Array[] = [];
  for await (const chunk of packDump(pieces())) out.push(chunk);
  return Buffer.concat(out);
}

test.each([[512 * 1024], [4093], [1_000_003]])(
  'pg_restore reads the same from a packed dump (in pieces of %i bytes), and it is small',
  async (step) => {
    await shell('pg_dump -Fc -Z0 shop | cat > plain');
    const plain = await readFile(join(folder, 'plain'));
    const packed = await pack(plain, step);
    expect(packed.length).toBeLessThan(plain.length / 3);
    await writeFile(join(folder, 'packed'), packed);
    const reader = new ArchiveReader();
    reader.push(packed);
    reader.finish();
    const script = (file: string): Promise<string> => shell(`pg_restore -f - < ${file}`);
    expect(withoutKeys(await script('packed'))).toBe(withoutKeys(await script('plain')));
    await shell('createdb copy; pg_restore --exit-on-error -d copy < packed');
    expect(await cluster.query('SELECT count(*)::int AS n FROM item', 'copy')).toEqual([{ n: 60000 }]);
    expect(await shell("psql -XAt -d copy -c 'SELECT sum(length(lo_get(oid))) FROM pg_largeobject_metadata'")).toBe('500005\n');
    await shell('dropdb copy');
  },
);

test('what is packed, or has positions in it, stays as it is', async () => {
  for (const options of ['-Z5', '-Z0 -f file']) {
    await shell(`pg_dump -Fc ${options} shop > file.out; [ -s file.out ] || mv file file.out`);
    const dump = await readFile(join(folder, 'file.out'));
    expect((await pack(dump, 10_000)).equals(dump)).toBe(true);
  }
});

function withoutKeys(script: string): string {
  return script.replaceAll(/^\\(un)?restrict .*$/gm, '');
}
