import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameInCluster, pathInSnapshot } from './base-layout.ts';
import { type BaseManifest, encodeBaseManifest, readBaseManifest } from './base-manifest.ts';
import { encodeServerManifest, readServerManifest, type ServerManifest } from './server-manifest.ts';

async function* of(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

const base: BaseManifest = {
  version: 1,
  kind: 'increment',
  systemId: '7350000000000000001',
  timeline: 1,
  startLsn: '0/3000028',
  endLsn: '1A/3000138',
  endTimeline: 1,
  startedAt: '2026-11-20T14:30:15.250Z',
  endedAt: '2026-11-20T14:31:15.000Z',
  serverVersion: '15.18',
  major: 15,
  pageSize: 8192,
  walSegmentSize: 16 * 1024 * 1024,
  checksums: true,
  dataDirectory: '/var/lib/postgresql/15/main',
  tablespaces: [{ oid: '16400', name: 'fast', location: '/mnt/fast' }],
  configuration: [{ name: 'conf.d/10.conf', path: '/etc/postgresql/15/main/conf.d/10.conf', stored: 'conf.d/10.conf' }],
  settings: { max_connections: '100' },
  chain: ['a'.repeat(64)],
  files: 1000,
  bytes: 123_456_789,
  pagesChanged: 12,
};

test('base.json comes back as it was', async () => {
  expect(await readBaseManifest('base.json', of(encodeBaseManifest(base)))).toEqual(base);
});

test.each<[string, unknown]>([
  ['systemId', 'x'],
  ['startLsn', '3000028'],
  ['pageSize', 0],
  ['chain', ['latest']],
  ['endedAt', 'yesterday'],
  ['tablespaces', [{ oid: '../../etc', location: '/x' }]],
  ['tablespaces', [{ oid: '16400', location: '' }]],
  ['configuration', [{ name: 'x', path: '/x', stored: '../x' }]],
  ['configuration', [{ name: 'x', path: '/x', stored: '/x' }]],
  ['version', 2],
])('base.json is refused with a wrong %s', async (name, value) => {
  const bytes = Buffer.from(JSON.stringify({ ...base, [name]: value }));
  await expect(readBaseManifest('base.json', of(bytes))).rejects.toMatchObject({ code: 'damaged' });
});

test('what is no JSON is no base.json', async () => {
  await expect(readBaseManifest('base.json', of(Buffer.from('{')))).rejects.toMatchObject({ code: 'damaged' });
});

const manifest: ServerManifest = {
  version: 2,
  systemId: '7350000000000000001',
  files: new Map([
    ['PG_VERSION', { size: 3, algorithm: 'CRC32C', checksum: '0a1b2c3d', modified: '2026-11-21 10:39:04 GMT' }],
    ['base/5/16384', { size: 8192, algorithm: 'SHA256', checksum: '00'.repeat(32), modified: undefined }],
    ['odd "name"\udcff', { size: 0, algorithm: 'NONE', checksum: '', modified: undefined }],
  ]),
  walRanges: [{ timeline: 1, start: '0/9000028', end: '0/9000120' }],
};

test('a manifest that we write is read back, and its checksum is as PostgreSQL computes it', async () => {
  const bytes = Buffer.concat([...encodeServerManifest(manifest)]);
  expect(await readServerManifest('backup_manifest', of(bytes))).toEqual(manifest);
  const lines = bytes.toString('latin1').split('\n');
  const [last] = lines.splice(-2);
  expect(last).toBe(`"Manifest-Checksum": "${hash('sha256', Buffer.from(`${lines.join('\n')}\n`, 'latin1'), 'hex')}"}`);
  expect(bytes.toString()).toContain('"Encoded-Path": "6f646420226e616d6522ff"');
});

test('a changed manifest, and one with paths that lead elsewhere, are refused', async () => {
  const bytes = Buffer.concat([...encodeServerManifest(manifest)]);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.lastIndexOf('\n"Manifest')), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ change;
      const read = await readServerManifest('backup_manifest', of(copy)).catch((error: unknown) => error);
      expect(read).toMatchObject({ code: 'damaged' });
    }),
  );
  for (const path of ['../x', '/etc/passwd', 'base/../../x', 'a//b', 'x\0']) {
    const files = new Map([[path, { size: 0, algorithm: 'NONE', checksum: '', modified: undefined } as const]]);
    const made = Buffer.concat([...encodeServerManifest({ ...manifest, files })]);
    await expect(readServerManifest('backup_manifest', of(made))).rejects.toMatchObject({ code: 'damaged' });
  }
});

test('names in the cluster and paths in the snapshot', () => {
  for (const name of ['base/5/16384', 'pg_tblspc/16400/PG_15_202209061/5/16401', 'PG_VERSION'])
    expect(nameInCluster(pathInSnapshot(name))).toBe(name);
  expect(pathInSnapshot('pg_tblspc/16400/PG_15_202209061/5/1')).toBe('/postgres/cluster/tablespaces/16400/PG_15_202209061/5/1');
  expect(nameInCluster('/postgres/cluster/base.json')).toBeUndefined();
});
