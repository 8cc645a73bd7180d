/**
 * A sound application alarms nobody: weeks in which it grows, rests at weekends, clears its sessions every day, loses and fills its cache, and has days with
 * many photos and days with nothing. HOLDFAST_DAYS=366 makes it a year, which takes half an hour.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { noiseBytes } from '../../harness/trees/seeded-bytes.ts';
import { writeFile } from 'node:fs/promises';
import { makeSabotageSystem, type SabotageSystem } from './sabotage-system.ts';

const days = Number(process.env['HOLDFAST_DAYS'] ?? 24);
vi.setConfig({ testTimeout: 600_000 + days * 60_000, hookTimeout: 600_000 });

/** Checks and drills are made each week: those that are due are none of this test's. */
function configured(text: string): string {
  return text.replace("check: '0 4 * * *', check-within: 1d", 'check: never').replace("    schedule: '0 5 * * *'\n", '');
}

let system: SabotageSystem;
beforeAll(async () => void (system = await makeSabotageSystem({ configuration: configured })));
afterAll(() => system?.remove());

test(`${days} days without an alarm`, async () => {
  for (let day = 0; day < days; day += 1) {
    await live(system, day);
    const told = await system.cycle({
      still: day % 11 === 7,
      jobs: day % 7 === 6 ? ['backup', 'check', 'drill', 'status'] : ['backup', 'status'],
    });
    expect(told, `on day ${day}`).toEqual([]);
  }
  const { status, stdout } = await system.run(['status', '-c', system.path('holdfast.yaml')]);
  expect([status, stdout]).toEqual([0, expect.stringContaining('every objective is met')]);
});

/** Beyond the growth of every day. */
async function live({ redis, path, cluster }: SabotageSystem, day: number): Promise<void> {
  const keys = 150 + ((day * 61) % 120);
  await redis.cli('EVAL', "redis.call('FLUSHDB') for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'key:' .. i, i) end", '0', String(keys));
  if (day % 9 === 4)
    for (let photo = 0; photo < 25; photo += 1)
      await writeFile(path('uploads', `party${day}-${photo}.jpg`), noiseBytes(`${day} ${photo}`, 6000));
  // Somebody puts the books of a month in order.
  if (day % 13 === 8) await cluster.query(`UPDATE orders SET note = note || ', paid' WHERE id % 5 = ${day % 5}`, 'shop');
}
