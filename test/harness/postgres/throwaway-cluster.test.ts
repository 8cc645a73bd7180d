import { existsSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
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
