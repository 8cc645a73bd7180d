import { existsSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { serverVersions } from './server-versions.ts';
import { startCluster } from './throwaway-cluster.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

test('a cluster answers, asks for the password, and leaves nothing behind', async () => {
  const cluster = await startCluster({ databases: ['one "two"'] });
  const folder = cluster.socketFolder;
  try {
    expect(await cluster.query('SELECT current_database() AS name', 'one "two"')).toEqual([{ name: 'one "two"' }]);
    expect((await cluster.psql('SELECT 6 * 7;')).trim()).toBe('42');
    await expect(cluster.psql('SELECT broken;')).rejects.toThrow('broken');
  } finally {
    await cluster.stop();
  }
  expect(existsSync(folder)).toBe(false);
  await expect(cluster.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
  await cluster.stop();
});

test.each(serverVersions)('version %i: a killed server comes back with what was committed', async (version) => {
  const cluster = await startCluster({ version, tls: true, checksums: true, settings: { synchronous_commit: 'on' } });
  try {
    const folder = await cluster.createTablespace('elsewhere');
    await cluster.query('CREATE TABLE numbers TABLESPACE elsewhere AS SELECT n FROM generate_series(1, 1000) n');
    await cluster.kill();
    await expect(cluster.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await cluster.restart();
    const [seen] = await cluster.query<{ version: string; checksums: string; ssl: string; count: string }>(
      "SELECT current_setting('server_version') AS version, current_setting('data_checksums') AS checksums, current_setting('ssl') AS ssl, count(*) FROM numbers",
    );
    expect(seen).toMatchObject({ checksums: 'on', ssl: 'on', count: '1000' });
    expect(seen?.version.split('.')[0]).toBe(String(version));
    expect(await cluster.log()).toContain('database system was not properly shut down');
    expect(existsSync(folder)).toBe(true);
  } finally {
    await cluster.stop();
  }
});
