import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { richDatabase, richRoles } from '../../../../test/harness/postgres/rich-database.ts';
import { type ThrowawayCluster, startCluster } from '../../../../test/harness/postgres/throwaway-cluster.ts';
import { runSubprocess } from '../../../util/subprocess.ts';
import { ArchiveReader } from './archive-reader.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cluster: ThrowawayCluster;
/* As pg_dump writes to a pipe: without compression, and with. */
let archives: Buffer[];

beforeAll(async () => {
  cluster = await startCluster({ databases: ['rich'] });
  await cluster.psql(richRoles);
  await cluster.psql(richDatabase, 'rich');
  archives = ['0', '6'].map((level) =>
    execFileSync(join(cluster.toolsFolder, 'pg_dump'), ['-Fc', '-Z', level, cluster.url('rich')], { maxBuffer: 2 ** 28 }),
  );
});

afterAll(() => cluster?.stop());

function read(bytes: Buffer, size = 65_536): ArchiveReader {
  const reader = new ArchiveReader();
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  reader.finish();
  return reader;
}

test('reads what pg_restore lists, whatever the size of the pieces', async () => {
  for (const archive of archives) {
    const listed = await runSubprocess({
      file: join(cluster.toolsFolder, 'pg_restore'),
      args: ['--create', '--list'],
      env: {},
      input: Readable.from([archive]),
    });
    const ids = [...listed.stdout.toString('utf8').matchAll(/^(\d+); /gm)].map(([, id]) => Number(id));
    for (const size of [archive.length, 65_536, 4093, 7]) {
      const reader = read(archive, size);
      const found = reader.entries.filter(({ kind }) => !['ENCODING', 'STDSTRINGS', 'SEARCHPATH'].includes(kind)).map(({ id }) => id);
      expect(found).toEqual(ids);
    }
    expect(read(archive).entries.find(({ tag, kind }) => tag === '🐘 table; --' && kind === 'TABLE DATA')).toMatchObject({
      schema: 'Weird "Name"',
      owner: 'postgres',
      hasData: true,
    });
  }
});

test('every archive that is cut anywhere is refused', () => {
  for (const archive of archives) {
    const step = Math.max(1, Math.floor(archive.length / 400));
    for (let length = 0; length < archive.length; length += step) expect(() => read(archive.subarray(0, length))).toThrow(/^it /);
    for (let length = archive.length - 300; length < archive.length; length += 1)
      expect(() => read(archive.subarray(0, length))).toThrow(/^it /);
  }
});

test('bytes after the end, a block of another type, and other files are refused', () => {
  for (const archive of archives) {
    expect(() => read(Buffer.concat([archive, Buffer.of(0)]))).toThrow('unknown type 0');
    expect(() => read(Buffer.concat([archive, Buffer.of(1, 0, 1, 0, 0, 0)]))).toThrow('not announced');
  }
  expect(() => read(Buffer.alloc(0))).toThrow('it is empty');
  expect(() => read(Buffer.from('-- PostgreSQL database dump'))).toThrow('does not begin with PGDMP');
  expect(() => read(Buffer.from('PGDMP\u0001\u0063\u0000\u0004\u0008\u0001'))).toThrow('version 1.99');
});
