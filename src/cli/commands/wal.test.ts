import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { containing, matching } from '../../../test/harness/programs/expected-text.ts';
import { startCluster, type ThrowawayCluster } from '../../../test/harness/postgres/throwaway-cluster.ts';
import { createQuickRepository } from '../../../test/harness/repositories/quick-repository.ts';
import { done, holdfast, summaryOf } from '../../../test/harness/programs/run-programs.ts';
import { makeWorkplace, parseLines } from '../testing/run-holdfast.ts';
import type { JsonObject } from '../../util/wire.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const place = await makeWorkplace();
const repository = place.path('repository');
let cluster: ThrowawayCluster;
let url: string;
/** Whole segments of the server, in order. */
let finished: string[];
let data: string;

beforeAll(async () => {
  cluster = await startCluster({ version: 15, settings: { wal_keep_size: '1GB', max_wal_size: '1GB' } });
  url = `postgresql://postgres@/postgres?host=${encodeURIComponent(cluster.socketFolder)}&port=${cluster.port}`;
  await createQuickRepository(repository);
  for (let round = 0; round < 4; round += 1) {
    await cluster.query(`CREATE TABLE t${round} AS SELECT generate_series(1, 1000)`);
    await cluster.query('SELECT pg_switch_wal()');
  }
  await cluster.query('CREATE TABLE last AS SELECT 1');
  const [row] = await cluster.query<{ name: string }>('SELECT pg_walfile_name(pg_current_wal_lsn()) AS name');
  const names = await readdir(join(cluster.dataFolder, 'pg_wal'));
  finished = names.filter((name) => /^[0-9A-F]{24}$/.test(name) && name < (row?.name ?? '')).toSorted();
  // As a restored data directory is: its own pg_control says whose WAL it wants.
  data = place.path('data');
  await mkdir(join(data, 'pg_wal'), { recursive: true });
  await mkdir(join(data, 'global'));
  await cp(join(cluster.dataFolder, 'global', 'pg_control'), join(data, 'global', 'pg_control'));
});

afterAll(async () => {
  await cluster?.stop();
  await place.remove();
});

function own(name: string): string {
  return join(cluster.dataFolder, 'pg_wal', name);
}

describe('push and fetch', () => {
  test('what was pushed comes back the same, and pushing it again is fine', async () => {
    for (const name of finished) {
      expect((await done(holdfast(repository, ['wal', 'push', own(name)]))).stdout).toBe(`${name} stored\n`);
      const target = join(data, 'pg_wal', 'RECOVERYXLOG');
      expect(await done(holdfast(repository, ['wal', 'fetch', name, target]))).toMatchObject({ stdout: '' });
      expect((await readFile(target)).equals(await readFile(own(name)))).toBe(true);
    }
    expect(finished.length).toBeGreaterThan(2);
    expect((await done(holdfast(repository, ['wal', 'push', own(finished[0] ?? '')]))).stdout).toContain('was stored already');
    // No temporary file is left behind.
    expect(await readdir(join(data, 'pg_wal'))).toEqual(['RECOVERYXLOG']);
  });

  test('another content under the same name fails loudly', async () => {
    const name = finished[1] ?? '';
    const changed = Buffer.from(await readFile(own(name)));
    changed[9000] = (changed[9000] ?? 0) ^ 1;
    const file = place.path('changed', 'pg_wal', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, changed);
    expect(await holdfast(repository, ['wal', 'push', file])).toMatchObject({
      status: 1,
      stderr: containing('with other content'),
    });
  });

  test.each([
    ['of another name', (bytes: Buffer) => bytes, '000000010000000000000077'],
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 5_000_000), undefined],
    ['of nothing', () => Buffer.alloc(0), undefined],
    ['of zeros', (bytes: Buffer) => Buffer.alloc(bytes.length), undefined],
  ])('a file %s is refused', async (_, change, other) => {
    const name = other ?? finished[0] ?? '';
    const file = place.path('odd', 'pg_wal', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, change(await readFile(own(finished[0] ?? ''))));
    expect(await holdfast(repository, ['wal', 'push', file])).toMatchObject({
      status: 1,
      stderr: containing(`Cannot use ${name}`),
    });
  });

  test('histories and labels', async () => {
    const folder = place.path('others', 'pg_wal');
    await mkdir(folder, { recursive: true });
    await mkdir(place.path('others', 'global'));
    await cp(join(data, 'global', 'pg_control'), place.path('others', 'global', 'pg_control'));
    const files = {
      '00000002.history': '1\t0/3000148\tno recovery target specified\n',
      [`${finished[0]}.00000028.backup`]: 'START WAL LOCATION: 0/1000028\n',
    };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, name), text);
      await done(holdfast(repository, ['wal', 'push', join(folder, name)]));
      await done(holdfast(repository, ['wal', 'push', join(folder, name)]));
      await done(holdfast(repository, ['wal', 'fetch', name, join(data, 'pg_wal', 'RECOVERYHISTORY')]));
      expect(await readFile(join(data, 'pg_wal', 'RECOVERYHISTORY'), 'utf8')).toBe(text);
    }
  });

  test('trap 6: 1 only where it is certain that it is not there', async () => {
    const target = join(data, 'pg_wal', 'RECOVERYXLOG');
    for (const name of ['0000000100000000000000F0', '00000007.history'])
      expect((await holdfast(repository, ['wal', 'fetch', name, target])).status).toBe(1);
    const name = finished[0] ?? '';
    const failures: readonly [string, readonly string[], Readonly<Record<string, string>>][] = [
      [repository, [name, target], { HOLDFAST_PASSWORD: 'another one' }],
      [place.path('nowhere'), [name, target], {}],
      [repository, [name, place.path('nowhere', 'pg_wal', 'x')], {}],
      [repository, ['no-segment', target], {}],
      [repository, [name], {}],
      [repository, [name, target, '--no-such-option'], {}],
    ];
    for (const [at, words, env] of failures) {
      const { status, stderr } = await holdfast(at, ['wal', 'fetch', ...words], { env });
      expect(status, `${words.join(' ')}: ${stderr}`).toBe(126);
    }
    // A damaged object is no proof either.
    const systemId = (await readdir(join(repository, 'holdfast', 'wal')))[0] ?? '';
    const object = join(repository, 'holdfast', 'wal', systemId, '00000001', finished[2] ?? '');
    const bytes = await readFile(object);
    bytes[bytes.length - 40] = (bytes[bytes.length - 40] ?? 0) ^ 1;
    await chmod(object, 0o600);
    await writeFile(object, bytes);
    expect(await holdfast(repository, ['wal', 'fetch', finished[2] ?? '', target])).toMatchObject({
      status: 126,
      stderr: containing('Cannot trust'),
    });
  });
});

describe('stream, status and slot', () => {
  const streamed = place.path('streamed');
  const words = ['--postgres', '', '--slot', 'cli'];
  const statusOf = async (): Promise<JsonObject> =>
    parseLines((await done(holdfast(streamed, ['wal', 'status', '--json', ...words]))).stdout)[0] ?? {};

  beforeAll(async () => {
    await createQuickRepository(streamed);
    words[1] = url;
  });

  test('once: all that the server has, with figures', async () => {
    expect(await holdfast(streamed, ['wal', 'status'])).toMatchObject({ status: 0, stdout: 'no write-ahead log is stored\n' });
    const run = await done(holdfast(streamed, ['wal', 'stream', '--once', '--json', ...words]));
    expect(summaryOf(run)).toMatchObject({ timeline: 1, reconnects: 0, lag_bytes: 0 });
    const status = await statusOf();
    expect(status).toMatchObject({
      message_type: 'wal_status',
      clusters: [{ timelines: [{ timeline: 1, gaps: [], segment_size: 16_777_216 }] }],
      server: { reachable: true, timeline: 1, slot: { name: 'cli', active: false, lost: false } },
    });
    const { stdout } = await done(holdfast(streamed, ['wal', 'status', ...words]));
    expect(stdout).toMatch(/newest moment[^]*server: timeline 1[^]*slot "cli": not in use/);
  });

  test('up to a position', async () => {
    await cluster.query('INSERT INTO last VALUES (2)');
    const [row] = await cluster.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
    await cluster.query('SELECT pg_switch_wal()');
    const run = await done(holdfast(streamed, ['wal', 'stream', '--until', row?.lsn ?? '', '--json', ...words]));
    expect(summaryOf(run)['stored']).toBeDefined();
  });

  test('SIGTERM ends it in good order', async () => {
    const run = await holdfast(streamed, ['wal', 'stream', '--flush', '1h', '--postgres', url, '--slot', 'ended'], {
      onStderr: (text, kill) => {
        if (text.includes('created the replication slot')) kill('SIGTERM');
      },
    });
    expect(run).toMatchObject({ status: 0 });
  });

  test('a server that does not answer is told, and what is stored all the same', async () => {
    const { status, stdout } = await holdfast(streamed, ['wal', 'status', '--postgres', 'postgresql://postgres@127.0.0.1:1/postgres']);
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: matching(/cluster \d+[^]*the server cannot be asked/) });
  });

  test('a gap is trouble: exit status 4', async () => {
    const systemId = (await readdir(join(streamed, 'holdfast', 'wal')))[0] ?? '';
    const folder = join(streamed, 'holdfast', 'wal', systemId, '00000001');
    const segments = (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name)).toSorted();
    const aside = place.path('aside');
    await cp(join(folder, segments[1] ?? ''), aside);
    execFileSync('rm', ['-f', join(folder, segments[1] ?? '')]);
    expect(await holdfast(streamed, ['wal', 'status'])).toMatchObject({ status: 4, stdout: containing('GAP on timeline 1') });
    await cp(aside, join(folder, segments[1] ?? ''));
    expect((await holdfast(streamed, ['wal', 'status'])).status).toBe(0);
  });

  test('the slot is removed, once', async () => {
    expect((await done(holdfast(streamed, ['wal', 'drop-slot', ...words]))).stdout).toBe('slot "cli" removed\n');
    expect((await done(holdfast(streamed, ['wal', 'drop-slot', ...words]))).stdout).toBe('there is no slot "cli"\n');
  });

  test.each([
    [['wal', 'stream', '--once', '--until', '0/1', '--postgres', 'postgresql://h/d'], 'exclude each other'],
    [['wal', 'stream', '--until', 'x', '--postgres', 'postgresql://h/d'], 'is not a WAL position'],
    [['wal', 'stream', '--flush', '1ms', '--postgres', 'postgresql://h/d'], 'is not between'],
    [['wal', 'stream', '--slot', 'My-Slot', '--postgres', 'postgresql://h/d'], 'is not a name of small letters'],
    [['wal', 'stream'], 'no server was named'],
    [['wal', 'push'], 'path'],
  ])('%j is refused', async (line, reason) => {
    expect(await holdfast(streamed, line, { cwd: place.folder })).toMatchObject({ status: 2, stderr: containing(reason) });
  });
});
