import { spawnSync } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { serverVersions } from '../../test/harness/postgres/server-versions.ts';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { crc32c } from '../util/crc32c.ts';
import { CommitScanner } from './commit-scanner.ts';
import { formatLsn, parseLsn } from '../util/lsn.ts';
import { looksLikeSegment, parseSegmentName, segmentStart } from './segment-name.ts';
import type { CommitMark } from './segment-header.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

test('CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789')).toString(16)).toBe('e3069283');
  expect(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))).toBe(crc32c(Buffer.from('123456789')));
});

function scan(start: bigint, bytes: Uint8Array, step = bytes.length): CommitMark[] {
  const found: CommitMark[] = [];
  const scanner = new CommitScanner((mark) => found.push(mark));
  for (let at = 0; at < bytes.length; at += step) scanner.feed(start + BigInt(at), bytes.subarray(at, at + step));
  return found;
}

/** Transactions of all kinds: small and large, prepared, rolled back, with many subtransactions, over page and segment boundaries. */
async function fill(cluster: ThrowawayCluster): Promise<void> {
  await cluster.query('CREATE TABLE t (a int PRIMARY KEY, b text)');
  for (let round = 0; round < 40; round += 1)
    await cluster.query(`INSERT INTO t SELECT g, repeat('x', 50) FROM generate_series(${round * 1000}, ${round * 1000 + 200}) g`);
  await cluster.query(
    'DO $$ BEGIN FOR i IN 1..3000 LOOP BEGIN INSERT INTO t VALUES (1000000 + i); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$',
  );
  await cluster.query('BEGIN; INSERT INTO t VALUES (2000000); ROLLBACK');
  await cluster.query("BEGIN; INSERT INTO t VALUES (2000001); PREPARE TRANSACTION 'one'");
  await cluster.query("COMMIT PREPARED 'one'");
  await cluster.query("BEGIN; INSERT INTO t VALUES (2000002); PREPARE TRANSACTION 'two'");
  await cluster.query("ROLLBACK PREPARED 'two'");
  await cluster.query('SELECT pg_switch_wal()');
  await cluster.query('BEGIN; DROP TABLE t; CREATE TABLE u AS SELECT g FROM generate_series(1, 300000) g; COMMIT');
  await cluster.query('CHECKPOINT');
}

async function segmentsOf(cluster: ThrowawayCluster): Promise<{ readonly name: string; readonly start: bigint; readonly bytes: Buffer }[]> {
  const [row] = await cluster.query<{ name: string }>('SELECT pg_walfile_name(pg_current_wal_lsn()) AS name');
  const folder = join(cluster.dataFolder, 'pg_wal');
  const names = (await readdir(folder)).filter((name) => looksLikeSegment(name) && name <= (row?.name ?? '')).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(folder, name));
      return { name, start: segmentStart(parseSegmentName(name, bytes.length).number, bytes.length), bytes };
    }),
  );
}

describe('beside pg_waldump', () => {
  let cluster: ThrowawayCluster;
  let segments: Awaited<ReturnType<typeof segmentsOf>>;
  let expected: string[];
  beforeAll(async () => {
    cluster = await startCluster({ version: 15, settings: { max_prepared_transactions: '5', wal_keep_size: '1GB', wal_level: 'logical' } });
    await fill(cluster);
    segments = await segmentsOf(cluster);
    const [first] = segments;
    // It ends with status 1 where the WAL ends.
    const { stdout: printed } = spawnSync(
      join(cluster.toolsFolder, 'pg_waldump'),
      ['--rmgr=Transaction', '-p', join(cluster.dataFolder, 'pg_wal'), first?.name ?? '', segments.at(-1)?.name ?? ''],
      { encoding: 'utf8', maxBuffer: 2 ** 28, env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC' } },
    );
    expected = [...printed.matchAll(/lsn: (\S+), prev \S+, desc: (?:COMMIT|ABORT)(?:_PREPARED)? (.*)$/gm)].map(
      ([, lsn = '', text = '']) => {
        const [, day = '', time = '', fraction = ''] = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6}) UTC/.exec(text) ?? [];
        return `${formatLsn(parseLsn(lsn))} ${day}T${time}.${fraction.slice(0, 3)}Z`;
      },
    );
  });
  afterAll(() => cluster?.stop());

  test('finds exactly the commits and aborts, with their times and positions', () => {
    expect(expected.length).toBeGreaterThan(45);
    const all = Buffer.concat(segments.map(({ bytes }) => bytes));
    const found = scan(segments[0]?.start ?? 0n, all).map(({ lsn, at }) => `${formatLsn(lsn)} ${at.toISOString()}`);
    expect(found.slice(0, expected.length)).toEqual(expected);
    // What pg_waldump does not print any more is after the end.
    expect(found.length - expected.length).toBeLessThan(3);
  });

  test('however the bytes come', () => {
    const { start, bytes } = segments[0] ?? { start: 0n, bytes: Buffer.alloc(0) };
    const whole = scan(start, bytes);
    expect(whole.length).toBeGreaterThan(10);
    for (const step of [1, 7, 24, 4096, 8191, 8192, 131_071])
      expect(scan(start, bytes.subarray(0, step === 1 ? 2 ** 20 : bytes.length), step), `steps of ${step}`).toEqual(
        step === 1 ? scan(start, bytes.subarray(0, 2 ** 20)) : whole,
      );
  });

  test('from the middle on it finds what begins after the next page', () => {
    const { start, bytes } = segments[0] ?? { start: 0n, bytes: Buffer.alloc(0) };
    const whole = scan(start, bytes);
    for (const from of [1, 4000, 8192, 1_000_003]) {
      const page = BigInt(Math.ceil(from / 8192) * 8192);
      const found = scan(start + BigInt(from), bytes.subarray(from));
      expect(found).toEqual(whole.filter(({ lsn }) => lsn >= start + page));
    }
  });

  test('damaged bytes are skipped: never an error, an endless loop, or a made-up commit', () => {
    const { start, bytes } = segments[0] ?? { start: 0n, bytes: Buffer.alloc(0) };
    const share = bytes.subarray(0, 2 ** 20);
    const known = new Set(scan(start, bytes).map(({ lsn, at }) => `${lsn} ${at.getTime()}`));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(share.length - 1), fc.nat(255)), { minLength: 1, maxLength: 200 }), (changes) => {
        const damaged = Buffer.from(share);
        for (const [at, value] of changes) damaged[at] = value;
        for (const { lsn, at } of scan(start, damaged)) expect(known).toContain(`${lsn} ${at.getTime()}`);
      }),
      { numRuns: 30 },
    );
  });
});

test('garbage is survived', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 70_000 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 2n ** 20n }),
      fc.integer({ min: 1, max: 70_000 }),
      (bytes, start, step) => {
        scan(start, bytes, step);
      },
    ),
  );
  const pages = Buffer.alloc(2 ** 20);
  for (let at = 0; at < pages.length; at += 8192) pages.set([0x10, 0xd1, 0x07, 0x00], at);
  expect(scan(0n, pages)).toEqual([]);
});

describe.each(serverVersions.filter((version) => version !== 15))('PostgreSQL %s', (version) => {
  test('the times of known transactions are found', async () => {
    const cluster = await startCluster({
      version,
      settings: { max_prepared_transactions: '5', wal_keep_size: '1GB', track_commit_timestamp: 'on' },
    });
    try {
      await fill(cluster);
      const rows = await cluster.query<{ at: string }>(
        "SELECT DISTINCT to_char(pg_xact_commit_timestamp(xmin) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS at FROM pg_class WHERE relname = 'u'",
      );
      const segments = await segmentsOf(cluster);
      const found = scan(segments[0]?.start ?? 0n, Buffer.concat(segments.map(({ bytes }) => bytes))).map(({ at }) => at.toISOString());
      expect(found.length).toBeGreaterThan(45);
      expect(rows.length).toBe(1);
      expect(found).toContain(rows[0]?.at);
    } finally {
      await cluster.stop();
    }
  });
});
