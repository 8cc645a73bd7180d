import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { HoldfastEvent } from '../../events.ts';
import { loadPoints } from '../points.ts';
import { planMoment } from './plan-moment.ts';
import { startSavedServer, type SavedServer } from './testing/saved-server.ts';

let saved: SavedServer | undefined;
afterEach(() => saved?.stop());

test('an increment whose full is gone is passed over, and a moment is reached from the base before; where all are broken it is said', async () => {
  saved = await startSavedServer({}, 1);
  const { cluster, repository, room } = saved;
  await cluster.query('CREATE TABLE orders (id int)');
  for (let turn = 0; turn < 4; turn += 1) {
    await cluster.query(`INSERT INTO orders VALUES (${turn})`);
    await saved.takeBase();
  }
  const at = await saved.settle();
  const ids = (await loadPoints(repository)).map(({ id }) => id);
  const notices: string[] = [];
  const events = (event: HoldfastEvent): void => void (event.type === 'notice' && notices.push(event.message));
  const context = { ...saved.context, events };
  const plan = (name = 'latest'): ReturnType<typeof planMoment> =>
    planMoment(repository, { target: { kind: 'time', time: at }, point: { name } }, context);
  expect((await plan()).base.pointId).toBe(ids[3]);
  await rm(join(room, 'repository', 'snapshots', ids[2] ?? ''));
  const reached = await plan();
  expect([reached.base.pointId, reached.chain.map(({ pointId }) => pointId)]).toEqual([ids[1], ids.slice(0, 2)]);
  expect(notices.join()).toContain(`The point ${ids[3]?.slice(0, 8)} is passed over: database cannot be restored`);
  await expect(plan(ids[3])).rejects.toThrow(/builds on it, and it is gone/);
  await rm(join(room, 'repository', 'snapshots', ids[0] ?? ''));
  await expect(plan()).rejects.toMatchObject({
    code: 'snapshot-missing',
    message: expect.stringMatching(/builds on the snapshot/) as string,
  });
}, 120_000);
