import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { containing, matching } from '../../../../test/harness/programs/expected-text.ts';
import { type ClusterOptions, type ThrowawayCluster, startCluster } from '../../../../test/harness/postgres/throwaway-cluster.ts';
import { parseConnection } from '../connection.ts';
import { ServerComplaint } from '../server-errors.ts';
import { type ReplicationConnection, connectReplication } from './connect-replication.ts';
import { translateReplicationError } from './replication-errors.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const clusters: ThrowawayCluster[] = [];
const connections: ReplicationConnection[] = [];

afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close();
  for (const cluster of clusters.splice(0)) await cluster.stop();
});

async function start(options: ClusterOptions = {}): Promise<ThrowawayCluster> {
  const cluster = await startCluster(options);
  clusters.push(cluster);
  return cluster;
}

async function connect(url: string): Promise<ReplicationConnection> {
  const connection = await connectReplication({ connection: parseConnection(url, {}) });
  connections.push(connection);
  return connection;
}

test('commands are answered, one after the other, also after a wrong one', async () => {
  const cluster = await start();
  const connection = await connect(cluster.url('postgres'));
  expect(connection.version).toBeGreaterThanOrEqual(150_000);
  const [[system] = []] = await connection.query('IDENTIFY_SYSTEM');
  expect(system).toMatchObject({ systemid: matching(/^\d{19}$/), timeline: '1', dbname: null });
  await expect(connection.query('NO SUCH COMMAND')).rejects.toMatchObject({ code: 'replication-failed' });
  expect(await connection.query('SHOW wal_segment_size')).toEqual([[{ wal_segment_size: '16MB' }]]);
  await connection.close();
  await connection.close();
  await expect(connection.query('IDENTIFY_SYSTEM')).rejects.toMatchObject({ code: 'replication-lost' });
  await expect.poll(() => cluster.query('SELECT count(*) FROM pg_stat_replication')).toEqual([{ count: '0' }]);
});

describe('who may not replicate is told what to do', () => {
  test.each([13, 15, 16, 18])('a role without the attribute, version %i', async (version) => {
    const cluster = await start({ version });
    await cluster.query(`CREATE ROLE "back ""up" LOGIN PASSWORD 'secret-word'`);
    const failure = connect(cluster.url('postgres', 'back "up', 'secret-word'));
    await expect(failure).rejects.toMatchObject({ code: 'replication-role', hint: containing('ALTER ROLE "back ""up" REPLICATION;') });
    await cluster.query('ALTER ROLE "back ""up" REPLICATION');
    expect(await (await connect(cluster.url('postgres', 'back "up', 'secret-word'))).query('IDENTIFY_SYSTEM')).toHaveLength(1);
  });

  test.each([13, 15, 18])('a pg_hba.conf without a line for it, version %i: the line to add lets it in', async (version) => {
    const cluster = await start({ version, tls: true });
    await cluster.query(`CREATE ROLE saver LOGIN REPLICATION PASSWORD 'secret-word'`);
    const file = join(cluster.dataFolder, 'pg_hba.conf');
    const rules = await readFile(file, 'utf8');
    const without = rules.replaceAll(/^.*\sreplication\s.*$/gm, '');
    for (const mode of ['disable', 'require']) {
      await writeFile(file, without);
      await cluster.query('SELECT pg_reload_conf()');
      const url = `${cluster.url('postgres', 'saver', 'secret-word')}?sslmode=${mode}`;
      await expect.poll(() => connect(url).catch((error: unknown) => error)).toMatchObject({ code: 'replication-rules' });
      const complaint: unknown = await connect(url).catch((error: unknown) => error);
      const line = /pg_hba\.conf, above what it already has: (.*) – then/.exec(
        complaint instanceof Error && 'hint' in complaint ? String(complaint.hint) : '',
      )?.[1];
      expect(line).toMatch(mode === 'require' ? /^hostssl replication "saver" 127\.0\.0\.1\/32 scram-sha-256$/ : /^host replication /);
      await writeFile(file, `${line}\n${without}`);
      await cluster.query('SELECT pg_reload_conf()');
      await expect
        .poll(() =>
          connect(url).then(
            (connection) => connection.version > 0,
            () => false,
          ),
        )
        .toBe(true);
    }
  });

  test('a server that is set to no replication at all', async () => {
    const cluster = await start({ settings: { wal_level: 'minimal', max_wal_senders: '0' } });
    await expect(connect(cluster.url('postgres'))).rejects.toMatchObject({
      code: 'replication-off',
      hint: containing('wal_level = replica'),
    });
  });

  test('a server whose senders are all in use', async () => {
    const cluster = await start({ settings: { max_wal_senders: '1' } });
    await connect(cluster.url('postgres'));
    await expect(connect(cluster.url('postgres'))).rejects.toMatchObject({
      code: 'replication-senders',
      hint: containing('max_wal_senders = 6'),
    });
  });

  test('the servers of providers are for dumps', () => {
    const login = { user: 'app', database: 'app', password: 'pass-word', at: { host: 'db.x.eu.rds.amazonaws.com', port: 5432 } };
    const refusal = new ServerComplaint(
      '28000',
      'no pg_hba.conf entry for replication connection from host "1.2.3.4", user "app", no encryption',
    );
    expect(translateReplicationError(refusal, { login, host: 'db.x.eu.rds.amazonaws.com' })).toMatchObject({
      code: 'replication-managed',
      hint: 'Back it up as a dump: mode: logical',
    });
  });
});

test('a wrong password, a server that is not there', async () => {
  const cluster = await start();
  await expect(connect(cluster.url('postgres', 'postgres', 'wrong-word'))).rejects.toMatchObject({ code: 'postgres-login' });
  await cluster.halt();
  const gone = connect(cluster.url('postgres'));
  await expect(gone).rejects.toMatchObject({ code: 'postgres-unreachable' });
  await expect(gone).rejects.not.toThrow(cluster.password);
});
