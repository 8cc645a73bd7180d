import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { systemClock } from '../../util/clock.ts';
import { backUp } from '../back-up.ts';
import { planMoment } from '../point-in-time/plan-moment.ts';
import { recoverBeside } from '../point-in-time/recover-beside.ts';
import { startSavedServer, type SavedServer } from '../point-in-time/testing/saved-server.ts';
import { createBaseComponent } from './base-component.ts';
import { replicatedServerAt } from './replicated-server.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let saved: SavedServer;
beforeAll(async () => {
  saved = await startSavedServer();
});
afterAll(() => saved?.stop());

async function combine(): Promise<string | undefined> {
  const { server, connect } = await replicatedServerAt(saved.cluster.url('postgres'), {});
  const source = await createBaseComponent({
    component: 'database',
    server,
    connect,
    checkpoint: 'fast',
    policy: { fullEveryMs: 86_400_000, increments: 5 },
    combine: true,
    clock: systemClock,
  });
  return (await backUp(saved.repository, { components: [{ source }] }, saved.context)).pointId;
}

test('a full base backup is made of increments, and is recovered from', async () => {
  await expect(combine()).rejects.toMatchObject({ code: 'snapshot-missing' });
  await saved.cluster.query('CREATE TABLE sums AS SELECT n, repeat(md5(n::text), 20) AS text FROM generate_series(1, 20000) AS n');
  await saved.takeBase();
  await expect(combine()).rejects.toMatchObject({ code: 'snapshot-missing' });
  for (const rest of [1, 2]) {
    await saved.cluster.query(`UPDATE sums SET text = reverse(text) WHERE n % 7 = ${rest}`);
    await saved.takeBase();
  }
  const pointId = await combine();
  const point = { name: pointId ?? 'latest' };
  const plan = await planMoment(saved.repository, { target: { kind: 'immediate' }, point }, saved.context);
  expect(plan.base.manifest).toMatchObject({ kind: 'full', chain: [] });
  expect(plan.chain.length).toBe(1);
  const target = `${saved.room}/combined`;
  const checked = { target, pause: false, amcheck: true, tablespaces: new Map<string, string>(), superusers: [] };
  const report = await recoverBeside(saved.repository, plan, checked, saved.context);
  expect(report.check?.faults).toEqual([]);

  // What comes next builds on it.
  const next = await planMoment(
    saved.repository,
    { target: { kind: 'immediate' }, point: { name: await saved.takeBase() } },
    saved.context,
  );
  expect(next.base.manifest.chain).toEqual([pointId]);
});
