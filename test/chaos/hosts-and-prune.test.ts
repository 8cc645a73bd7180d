/** Two hosts back up while a third prunes: no point is lost. More rounds with HOLDFAST_ROUNDS, the same again with HOLDFAST_SEED. */
import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { createQuickRepository } from '../harness/repositories/quick-repository.ts';
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
});
