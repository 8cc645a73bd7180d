import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { containing, matching } from '../../../../test/harness/programs/expected-text.ts';
import { serverVersions } from '../../../../test/harness/postgres/server-versions.ts';
import { type ClusterOptions, type ThrowawayCluster, startCluster } from '../../../../test/harness/postgres/throwaway-cluster.ts';
import { writeBase } from '../../../../test/harness/postgres/write-base.ts';
import { startTcpProxy } from '../../../../test/harness/postgres/tcp-proxy.ts';
import { HoldfastError } from '../../../errors.ts';
import { parseConnection } from '../connection.ts';
import { type BaseBackup, type BaseBackupRequest, baseBackup, manifestName } from './base-backup.ts';
import { type ReplicationConnection, connectReplication } from './connect-replication.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const clusters: ThrowawayCluster[] = [];
const connections: ReplicationConnection[] = [];

afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close();
  for (const cluster of clusters.splice(0)) await cluster.stop();
});

async function start(options: ClusterOptions): Promise<ThrowawayCluster> {
  const cluster = await startCluster(options);
  clusters.push(cluster);
  return cluster;
}

async function connect(cluster: ThrowawayCluster, query = ''): Promise<ReplicationConnection> {
  const connection = await connectReplication({ connection: parseConnection(`${cluster.url('postgres')}${query}`, {}) });
  connections.push(connection);
  return connection;
}

function request(more: Partial<BaseBackupRequest> = {}): BaseBackupRequest {
  return { checkpoint: 'fast', label: "holdfast's", signal: new AbortController().signal, ...more };
}

async function fill(cluster: ThrowawayCluster, rows = 20_000): Promise<void> {
  await cluster.query(`CREATE TABLE things AS SELECT n AS id, md5(n::text) AS word FROM generate_series(1, ${rows}) n`);
  await cluster.query('CREATE INDEX ON things (id)');
}

async function readAll(backup: BaseBackup): Promise<number> {
  let bytes = 0;
  for await (const entry of backup.entries) for await (const chunk of entry.content) bytes += chunk.length;
  return bytes;
}

/** Starts a server on what a backup brought. */
async function startFrom(
  backup: BaseBackup,
  source: ThrowawayCluster,
  judge: (folder: string) => Promise<void> = async () => {},
): Promise<ThrowawayCluster> {
  return start({
    version: source.version,
    from: {
      password: source.password,
      fill: async (folder) => {
        await writeBase(backup, folder, (oid) => `${folder}-tablespace-${oid}`);
        await judge(folder);
      },
    },
  });
}

describe.each(serverVersions)('version %i', (version) => {
  let source: ThrowawayCluster;
  let place: string;
  beforeAll(async () => {
    const settings = { checkpoint_completion_target: '0.01', checkpoint_timeout: '30s' };
    source = await startCluster({ version, checksums: true, tls: true, settings });
    place = await source.createTablespace('elsewhere');
    await fill(source);
  });
  afterAll(() => source?.stop());

  test('a base backup with a tablespace starts by itself and has every row', async () => {
    await source.query('CREATE TABLE far TABLESPACE elsewhere AS SELECT n FROM generate_series(1, 5000) n');
    const backup = await baseBackup(await connect(source, '?sslmode=disable'), request());
    expect(backup.tablespaces).toEqual([{ oid: matching(/^\d+$/), location: place, size: expect.any(Number) as number }]);
    expect(backup.estimatedSize).toBeGreaterThan(20_000_000);
    const restored = await startFrom(backup, source, async (folder) => {
      expect(await readFile(join(folder, 'backup_label'), 'utf8')).toContain("LABEL: holdfast's");
      expect(JSON.parse(await readFile(join(folder, 'backup_manifest'), 'utf8'))).toMatchObject({ 'WAL-Ranges': [{ Timeline: 1 }] });
      if (version === 15) execFileSync(join(source.toolsFolder, 'pg_verifybackup'), ['-q', folder]);
    });
    expect(backup.timeline).toBe(1);
    expect(backup.end().lsn).toBeGreaterThan(backup.startLsn);
    expect(backup.end().timeline).toBe(1);
    expect(await restored.query('SELECT count(*), sum(id) FROM things')).toEqual([{ count: '20000', sum: '200010000' }]);
    expect(await restored.query('SELECT count(*) FROM far')).toEqual([{ count: '5000' }]);
    await source.halt();
    expect(await restored.query("SELECT pg_tablespace_location(oid) AS at FROM pg_tablespace WHERE spcname = 'elsewhere'")).toEqual([
      { at: containing(restored.dataFolder) },
    ]);
    await source.restart();
  });

  test('the same connection serves a second backup, over TLS, at a rate and with a spread checkpoint', async () => {
    const connection = await connect(source, `?sslmode=verify-full&sslrootcert=${source.rootCertificate}`);
    const first = await readAll(await baseBackup(connection, request()));
    const second = await baseBackup(connection, request({ checkpoint: 'spread', rate: 1024 * 1024 * 1024 }));
    expect(await readAll(second)).toBeGreaterThan(first / 2);
    expect(await connection.query('IDENTIFY_SYSTEM')).toHaveLength(1);
  });

  test('a page that does not fit its checksum fails the backup loudly', async () => {
    await damage(source, 'things');
    const backup = await baseBackup(await connect(source), request());
    await expect(readAll(backup)).rejects.toMatchObject({
      code: 'base-damaged',
      message: matching(/checksum verification failed in file/),
    });
    expect(() => backup.end()).toThrow(TypeError);
  });
});

/** Flips a byte in the second page of a table's file while the server is away. */
async function damage(cluster: ThrowawayCluster, table: string): Promise<void> {
  const [found] = await cluster.query<{ path: string }>(`SELECT pg_relation_filepath('${table}') AS path`);
  await cluster.halt();
  const path = join(cluster.dataFolder, found?.path ?? '');
  execFileSync('sh', ['-c', `printf '\\377\\376\\375' | dd of="${path}" bs=1 seek=12000 conv=notrunc 2>/dev/null`]);
  await cluster.restart();
}

describe('what goes wrong in the middle', () => {
  /** Reads a little, so that the rest is still to come: it is more than fits between the two of us. */
  async function readInto(backup: BaseBackup): Promise<() => Promise<number>> {
    const entries = backup.entries[Symbol.asyncIterator]();
    const first = await entries.next();
    expect(first.done).toBe(false);
    return async () => {
      let bytes = 0;
      for (let step = await entries.next(); step.done !== true; step = await entries.next())
        for await (const chunk of step.value.content) bytes += chunk.length;
      return bytes;
    };
  }

  test('a server that is killed or stopped', async () => {
    const source = await start({});
    await fill(source, 300_000);
    for (const end of ['kill', 'halt'] as const) {
      const rest = await readInto(await baseBackup(await connect(source), request()));
      await source[end]();
      await expect(rest()).rejects.toMatchObject({ code: 'replication-lost' });
      await source.restart();
    }
  });

  test('a network that breaks, wherever it does', async () => {
    const source = await start({});
    const proxy = await startTcpProxy(source.port);
    try {
      for (const cut of [3000, 700_000, 9_000_000]) {
        for (const how of ['close', 'reset'] as const) {
          const connection = await connectReplication({
            connection: parseConnection(source.url('postgres').replace(`:${source.port}`, `:${proxy.port}`), {}),
          });
          connections.push(connection);
          proxy.cutAfter(cut, how);
          await expect((async () => readAll(await baseBackup(connection, request())))()).rejects.toMatchObject({
            code: 'replication-lost',
          });
          proxy.cutAfter(Number.POSITIVE_INFINITY, how);
        }
      }
    } finally {
      await proxy.stop();
    }
  });

  test('an interruption, before and in the middle', async () => {
    const source = await start({});
    const stop = new AbortController();
    const rest = await readInto(await baseBackup(await connect(source), request({ signal: stop.signal })));
    stop.abort(new HoldfastError('interrupted'));
    await expect(rest()).rejects.toMatchObject({ code: 'interrupted' });
    await expect(baseBackup(await connect(source), request({ signal: stop.signal }))).rejects.toMatchObject({ code: 'interrupted' });
    await expect
      .poll(() => source.query('SELECT count(*) FROM pg_stat_replication WHERE application_name = $1', 'postgres', ['holdfast']))
      .toEqual([{ count: '1' }]);
  });

  test('entries that nobody reads to the end', async () => {
    const source = await start({});
    const connection = await connect(source);
    for await (const entry of (await baseBackup(connection, request())).entries) if (entry.path === 'backup_label') break;
    await expect(connection.query('IDENTIFY_SYSTEM')).rejects.toMatchObject({ code: 'replication-lost' });
  });
});

describe.each(serverVersions.filter((version) => version >= 17))('increments of version %i', (version) => {
  test('only what changed comes, against the manifest of the backup before', async () => {
    const source = await start({ version, settings: { summarize_wal: 'on' } });
    await fill(source, 200_000);
    await source.query('VACUUM');
    const manifests: Buffer[] = [];
    const sizes = new Map<string, number>();
    const full = await baseBackup(await connect(source), request());
    for await (const entry of full.entries) {
      sizes.set(entry.path, entry.size);
      if (entry.path === manifestName) for await (const chunk of entry.content) manifests.push(Buffer.from(chunk));
    }
    await source.query("UPDATE things SET word = 'changed' WHERE id = 7");
    const manifest = (async function* () {
      yield* await Promise.resolve(manifests);
    })();
    const [found] = await source.query<{ path: string }>("SELECT pg_relation_filepath('things') AS path");
    const changed: string[] = [];
    const backup = await baseBackup(await connect(source), request({ increment: { manifest } }));
    for await (const { path, size, content } of backup.entries) {
      if (!path.includes('INCREMENTAL.')) continue;
      const pieces: Uint8Array[] = [];
      for await (const piece of content) pieces.push(piece);
      expect(Buffer.concat(pieces).readUInt32LE(0)).toBe(0xd3_ae_1f_0d);
      expect(Buffer.concat(pieces)).toHaveLength(size);
      changed.push(path.replace('INCREMENTAL.', ''));
      if (path.replace('INCREMENTAL.', '') === found?.path) expect(size).toBeLessThan((sizes.get(found.path) ?? 0) / 10);
    }
    expect(changed).toContain(found?.path);
  });

  test('without summaries the server is told apart from others', async () => {
    const source = await start({ version });
    const manifest = (async function* () {
      yield await Promise.resolve(Buffer.from('{}'));
    })();
    await expect(baseBackup(await connect(source), request({ increment: { manifest } }))).rejects.toMatchObject({ code: 'base-increment' });
  });
});

test('a standby serves a base backup too, and it starts', async () => {
  const primary = await start({ settings: { full_page_writes: 'on' } });
  await fill(primary);
  const standby = await start({
    from: {
      password: primary.password,
      fill: async (folder) => {
        await writeBase(await baseBackup(await connect(primary), request()), folder, (oid) => `${folder}-tablespace-${oid}`);
        await writeFile(join(folder, 'standby.signal'), '');
      },
    },
    settings: {
      full_page_writes: 'on',
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres password=${primary.password}`,
    },
  });
  expect(await standby.query('SELECT pg_is_in_recovery() AS yes')).toEqual([{ yes: true }]);
  const restored = await startFrom(await baseBackup(await connect(standby), request()), standby, (folder) =>
    rm(join(folder, 'standby.signal')),
  );
  expect(await restored.query('SELECT pg_is_in_recovery() AS recovering, count(*) FROM things')).toEqual([
    { recovering: false, count: '20000' },
  ]);
});

test('increments need PostgreSQL 17', async () => {
  const source = await start({});
  const connection = await connect(source);
  const manifest = (async function* () {
    yield await Promise.resolve(Buffer.from('{}'));
  })();
  await expect(baseBackup(connection, request({ increment: { manifest } }))).rejects.toMatchObject({ code: 'base-increment' });
  expect(await connection.query('IDENTIFY_SYSTEM')).toHaveLength(1);
});
