import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { containing, matching } from '../../../../test/harness/programs/expected-text.ts';
import { serverVersions } from '../../../../test/harness/postgres/server-versions.ts';
import { type ClusterOptions, type ThrowawayCluster, startCluster } from '../../../../test/harness/postgres/throwaway-cluster.ts';
import { parseConnection } from '../connection.ts';
import { createHostServer } from '../host-server.ts';
import type { PostgresServer } from '../server.ts';
import { readClusterFacts } from './cluster-facts.ts';
import { connectReplication } from './connect-replication.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const clusters: ThrowawayCluster[] = [];

afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.stop();
});

async function start(options: ClusterOptions): Promise<ThrowawayCluster> {
  const cluster = await startCluster(options);
  clusters.push(cluster);
  return cluster;
}

function serverOf(url: string): PostgresServer {
  return createHostServer({ connection: parseConnection(url, {}), environment: {} });
}

test.each(serverVersions)('version %i: everything for the superuser', async (version) => {
  const cluster = await start({
    version,
    checksums: true,
    settings: { max_connections: '33', wal_level: 'logical', synchronous_commit: 'on' },
  });
  const location = await cluster.createTablespace('else where');
  await cluster.query("SELECT pg_create_physical_replication_slot('kept', true), pg_create_logical_replication_slot('other', 'pgoutput')");
  await cluster.query('CREATE TABLE things AS SELECT n FROM generate_series(1, 10000) n');
  const connection = await connectReplication({ connection: parseConnection(cluster.url('postgres'), {}) });
  const [[system] = []] = await connection.query('IDENTIFY_SYSTEM');
  await connection.close();
  const facts = await readClusterFacts(serverOf(cluster.url('postgres')));
  expect(facts).toMatchObject({
    major: version,
    versionNumber: connection.version,
    systemId: system?.['systemid'],
    dataDirectory: cluster.dataFolder,
    pageSize: 8192,
    walSegmentSize: 16 * 1024 * 1024,
    checksums: true,
    inRecovery: false,
    tablespaces: [{ name: 'else where', location, oid: matching(/^\d+$/) }],
    configuration: [],
    notices: [],
    walLevel: 'logical',
    maxWalSenders: 10,
    archiveMode: 'off',
    summarizeWal: false,
    mayReplicate: true,
    slots: [
      { name: 'kept', type: 'physical', active: false, lost: false, restart: expect.any(BigInt) as bigint },
      { name: 'other', type: 'logical', active: false, lost: false },
    ],
  });
  expect(facts.version).toMatch(new RegExp(`^${version}\\.\\d+$`));
  expect(facts.settings).toMatchObject({ max_connections: '33', port: String(cluster.port), shared_preload_libraries: '' });
  expect(facts.walSize).toBeGreaterThanOrEqual(16 * 1024 * 1024);
  expect(facts.slots[0]?.retained).toBeGreaterThan(100_000);
});

test.each([13, 15, 18])('version %i: a role that may only replicate is told what it cannot see', async (version) => {
  const cluster = await start({ version });
  await cluster.query("CREATE ROLE saver LOGIN REPLICATION PASSWORD 'secret-word'");
  await cluster.query("CREATE ROLE nobody LOGIN PASSWORD 'secret-word'");
  const facts = await readClusterFacts(serverOf(cluster.url('postgres', 'saver', 'secret-word')));
  expect(facts).toMatchObject({
    mayReplicate: true,
    configuration: [],
    notices: [containing('GRANT pg_read_all_settings')],
    major: version,
  });
  expect(facts).not.toHaveProperty('dataDirectory');
  expect(facts).not.toHaveProperty('walSize');
  expect(await readClusterFacts(serverOf(cluster.url('postgres', 'nobody', 'secret-word')))).toMatchObject({ mayReplicate: false });
  await cluster.query('GRANT pg_read_all_settings, pg_monitor TO saver');
  expect(await readClusterFacts(serverOf(cluster.url('postgres', 'saver', 'secret-word')))).toMatchObject({
    dataDirectory: cluster.dataFolder,
    notices: [],
    walSize: expect.any(Number) as number,
  });
});

test.each([13, 15, 18])('version %i: configuration outside of the data directory comes along', async (version) => {
  const cluster = await start({ version });
  const folder = join(cluster.socketFolder, 'etc');
  await mkdir(join(folder, 'conf.d'), { recursive: true });
  await writeFile(join(folder, 'conf.d', '10-memory.conf'), "work_mem = '7MB'\n");
  for (const name of ['pg_hba.conf', 'pg_ident.conf']) await copyFile(join(cluster.dataFolder, name), join(folder, name));
  const lines = [`include_dir = '${folder}/conf.d'`, `hba_file = '${folder}/pg_hba.conf'`, `ident_file = '${folder}/pg_ident.conf'`];
  await writeFile(join(cluster.dataFolder, 'postgresql.conf'), `${lines.join('\n')}\n`, { flag: 'a' });
  execFileSync('chown', ['-R', 'postgres', folder]);
  await cluster.restart();
  const { configuration, notices } = await readClusterFacts(serverOf(cluster.url('postgres')));
  expect(notices).toEqual([]);
  expect(configuration.map(({ name, path }) => [name, path])).toEqual([
    ['pg_hba.conf', join(folder, 'pg_hba.conf')],
    ['pg_ident.conf', join(folder, 'pg_ident.conf')],
    ['10-memory.conf', join(folder, 'conf.d/10-memory.conf')],
  ]);
  expect(Buffer.from(configuration[0]?.content ?? []).equals(await readFile(join(folder, 'pg_hba.conf')))).toBe(true);
  /* Who may not read through the server reads from the disk, or is told. */
  await cluster.query("CREATE ROLE saver LOGIN REPLICATION PASSWORD 'secret-word'");
  await cluster.query('GRANT pg_read_all_settings TO saver');
  const limited = serverOf(cluster.url('postgres', 'saver', 'secret-word'));
  const told = await readClusterFacts(limited);
  expect(told.configuration).toEqual([]);
  expect(told.notices).toHaveLength(2);
  expect(told.notices[0]).toContain(join(folder, 'pg_hba.conf'));
  await chmod(join(folder, 'pg_hba.conf'), 0o600);
  const read = await readClusterFacts(limited, { readFile });
  expect(read.configuration.map(({ name }) => name)).toEqual(['pg_hba.conf', 'pg_ident.conf']);
  expect(read.notices).toEqual([]);
});
