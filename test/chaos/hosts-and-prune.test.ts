/** Two hosts back up while a third prunes: no point is lost. More rounds with HOLDFAST_ROUNDS, the same again with HOLDFAST_SEED. */
import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { makeWorkplace, runHoldfast } from '../../src/cli/testing/run-holdfast.ts';
import { password } from '../harness/programs/run-programs.ts';
import { createQuickRepository } from '../harness/repositories/quick-repository.ts';
import { startCeph } from '../harness/stores/ceph.ts';
import { playHosts } from './play-hosts.ts';

const rounds = Number(process.env['HOLDFAST_ROUNDS'] ?? 2);
const seed = process.env['HOLDFAST_SEED'] ?? randomBytes(4).toString('hex');
const place = await makeWorkplace();
afterAll(() => place.remove());

describe.runIf(process.getuid?.() === 0)('two hosts and a prune', () => {
  test(`in a folder, ${rounds} rounds (seed ${seed})`, { timeout: (60 + rounds * 120) * 1000 }, async () => {
    const address = place.path('repository');
    await createQuickRepository(address);
    const { backups, prunes } = await playHosts({ address, folder: place.path('hosts'), rounds, seed });
    expect(backups).toBe(rounds * 6);
    expect(prunes).toBeGreaterThanOrEqual(rounds);
  });

  test(`on Ceph, ${rounds} rounds (seed ${seed})`, { timeout: (120 + rounds * 240) * 1000 }, async () => {
    const ceph = await startCeph();
    try {
      await ceph.createBucket('hosts');
      const address = `s3://hosts/app?endpoint=${ceph.endpoint}`;
      const env = ceph.environment;
      expect(await runHoldfast(['repo', 'init', '-r', address], { env: { ...env, HOLDFAST_PASSWORD: password } })).toMatchObject({
        status: 0,
      });
      const resticAddress = `s3:${ceph.endpoint}/hosts/app`;
      const { backups, prunes } = await playHosts({ address, resticAddress, env, folder: place.path('hosts-on-ceph'), rounds, seed });
      expect(backups).toBe(rounds * 6);
      expect(prunes).toBeGreaterThanOrEqual(rounds);
    } finally {
      await ceph.stop();
    }
  });
});
