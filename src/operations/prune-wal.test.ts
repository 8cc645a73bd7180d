import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openSealedObjects } from '../engine/objects/sealed-objects.ts';
import { openWalArchive, listWalSystems } from '../wal/open-wal-archive.ts';
import { planMoment } from './point-in-time/plan-moment.ts';
import { startSavedServer, type SavedServer } from './point-in-time/testing/saved-server.ts';
import { prune, type PruneReport } from './prune.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let saved: SavedServer;
beforeAll(async () => {
  // Full ones only.
  saved = await startSavedServer({}, 0);
});
afterAll(() => saved?.stop());

async function firstSegment(): Promise<string | undefined> {
  const objects = openSealedObjects(saved.repository);
  const [systemId = ''] = await listWalSystems(objects);
  const [timeline] = await openWalArchive(objects, systemId).timelines();
  return timeline?.whole[0]?.name;
}

function pruneTo(last: number, dryRun: boolean): Promise<PruneReport> {
  return prune(
    saved.repository,
    {
      forget: { policy: { last }, by: {}, filter: {} },
      free: {},
      dryRun,
      lock: {},
      confirm: () => Promise.resolve(true),
    },
    saved.context,
  );
}

test('the log goes with the oldest base backup that needed it, and what is left can be recovered', async () => {
  await saved.takeBase();
  for (let turn = 0; turn < 3; turn += 1) await saved.cluster.query('SELECT pg_switch_wal(), pg_current_xact_id()');
  await saved.takeBase();
  await saved.cluster.query('SELECT pg_switch_wal()');
  const moment = await saved.settle();
  const before = await firstSegment();
  expect(before).toBeDefined();

  const planned = await pruneTo(1, true);
  expect(planned.wal?.[0]?.segments).toContain(before);
  expect(await firstSegment()).toBe(before);

  const done = await pruneTo(1, false);
  expect(done.wal?.[0]?.segments).toEqual(planned.wal?.[0]?.segments);
  const after = await firstSegment();
  expect(after === undefined || (before !== undefined && after > before)).toBe(true);
  const plan = await planMoment(saved.repository, { target: { kind: 'time', time: moment }, point: { name: 'latest' } }, saved.context);
  expect(plan.wal?.segments.length).toBeGreaterThan(0);
  // The last base backup keeps what it needs, and there is nothing more to remove.
  expect((await pruneTo(1, true)).wal).toEqual([]);
});
