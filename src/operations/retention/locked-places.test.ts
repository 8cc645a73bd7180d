/** Pruning where objects are locked, and where nothing can be removed: with the real engine, and a clock that is moved. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { quietContext } from '../../../test/harness/repositories/restore-in-process.ts';
import { checkRepository } from '../../engine/check/check-repository.ts';
import { isLockable } from '../../engine/lockable.ts';
import { initRepository, type Repository } from '../../engine/repository.ts';
import type { HoldfastEvent } from '../../events.ts';
import type { Source, StreamEntry } from '../../sources/source.ts';
import { createMemoryStorage, type MemoryOptions } from '../../storage/memory/memory-storage.ts';
import { createRetryStorage } from '../../storage/wrap/retry-storage.ts';
import type { Clock } from '../../util/clock.ts';
import { backUp } from '../back-up.ts';
import { loadPoints } from '../points.ts';
import { prune, type PruneReport } from '../prune.ts';
import { extendLocks } from './extend-locks.ts';

vi.setConfig({ testTimeout: 180_000 });

const dayMs = 86_400_000;

class MovedClock implements Clock {
  #now = Date.UTC(2026, 0, 1, 12);
  now(): Date {
    return new Date(this.#now);
  }
  moveDays(days: number): void {
    this.#now += days * dayMs;
  }
}

let clock: MovedClock;
let repository: Repository;
let events: HoldfastEvent[];
const context = (): ReturnType<typeof quietContext> => quietContext((event) => void events.push(event));

async function open(options: (clock: Clock) => MemoryOptions): Promise<void> {
  clock = new MovedClock();
  const storage = createRetryStorage(createMemoryStorage('place', options(clock)));
  repository = await initRepository(storage, { password: 'x', clock });
}

const thirtyDays = (at: Clock): MemoryOptions => ({ lock: { mode: 'compliance', forMs: 30 * dayMs, clock: at, isLockable } });

/** Content of a day that no other day has, and some that all have. */
function sourceOf(day: number): Source {
  async function* entries(): AsyncGenerator<StreamEntry> {
    for (const [path, text] of [
      ['/shared', 'the same every day'],
      ['/own', `day ${day}`],
    ] as const)
      yield {
        path,
        modified: new Date(0),
        async *open() {
          yield Buffer.from(text.repeat(50_000));
        },
      };
  }
  return {
    kind: 'postgres',
    component: 'database',
    describe: () => Promise.resolve({ kind: 'postgres', component: 'database', title: 'a database', facts: {} }),
    capture: () => Promise.resolve({ shape: 'streams', entries: entries() }),
  };
}

async function save(day: number): Promise<string> {
  const { pointId } = await backUp(repository, { components: [{ source: sourceOf(day) }], host: 'db1' }, context());
  return pointId ?? '';
}

function pruneTo(last: number, force = false): Promise<PruneReport> {
  return prune(
    repository,
    {
      forget: { policy: { last }, by: {}, filter: {} },
      free: { maxUnused: 0 },
      dryRun: false,
      lock: {},
      confirm: () => Promise.resolve(force ? 'even if large' : true),
    },
    context(),
  );
}

async function keysBelow(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of repository.storage.list(prefix)) keys.push(key);
  return keys.toSorted();
}

const lockedUntil = async (key: string): Promise<number> => (await repository.storage.retention?.lockedUntil(key))?.getTime() ?? 0;

/** Nothing that is there is damaged, and every index names only packs that are there. */
async function assertWhole(): Promise<void> {
  const report = await checkRepository(repository, { readData: 'all' }, context());
  expect(report.errors).toEqual([]);
}

beforeEach(() => {
  events = [];
});
afterEach(() => repository.close());

describe('where objects are locked', () => {
  beforeEach(() => open(thirtyDays));

  test('what is due waits for its lock, goes when that is over, and what stays keeps its lock for years', async () => {
    const first = await save(1);
    clock.moveDays(1);
    const second = await save(2);
    const early = await pruneTo(1);
    expect(early.forget?.waiting.map(({ point, until }) => [point.id, until.getTime()])).toEqual([[first, Date.UTC(2026, 0, 31, 12)]]);
    expect(early.forget?.groups[0]?.keep.at(-1)?.reasons).toEqual(['locked until 2026-01-31']);
    expect(early.forgotten).toEqual([]);
    expect((await loadPoints(repository)).map(({ id }) => id)).toEqual([first, second]);

    const seen: number[] = [];
    for (let week = 0; week < 14; week += 1) {
      clock.moveDays(10);
      const report = await pruneTo(1);
      expect(report.refusal).toBeUndefined();
      seen.push((await keysBelow('data/')).length);
      // Everything that the kept point needs is locked for at least half of the time.
      const soonest = clock.now().getTime() + 14 * dayMs;
      expect(await lockedUntil(`snapshots/${second}`)).toBeGreaterThan(soonest);
      expect(await lockedUntil('config')).toBeGreaterThan(soonest);
    }
    expect((await loadPoints(repository)).map(({ id }) => id)).toEqual([second]);
    await assertWhole();
    // The first point's own packs are gone, at most two lock times after it was due.
    expect(seen.at(0)).toBe(seen.slice(0, 2).at(-1));
    expect(seen.at(-1)).toBeLessThan(seen[0] ?? 0);
    expect(seen[6]).toBe(seen.at(-1));
    for (const key of [...(await keysBelow('data/')), ...(await keysBelow('index/')), ...(await keysBelow('keys/'))])
      expect([key, (await lockedUntil(key)) > clock.now().getTime() + 14 * dayMs]).toEqual([key, true]);
    expect(events.filter(({ type }) => type === 'problem')).toEqual([]);
  });

  test('at no time does an index name a pack that is gone, while points come and go', async () => {
    for (let day = 0; day < 100; day += 10) {
      await save(day);
      const report = await pruneTo(3);
      expect(report.refusal).toBeUndefined();
      if (day % 30 === 0) await assertWhole();
      clock.moveDays(10);
    }
    await assertWhole();
    const points = await loadPoints(repository);
    // Three that stay, and what is not older than a lock.
    expect(points.length).toBeLessThanOrEqual(3 + 30 / 10 + 1);
    clock.moveDays(31);
    await pruneTo(3, true);
    expect(await loadPoints(repository)).toHaveLength(3);
    clock.moveDays(31);
    const last = await pruneTo(3);
    expect(last.prune?.aroundLocks?.waitingPacks).toEqual([]);
    await assertWhole();
  });

  test('only what is short of time is asked about and made longer', async () => {
    const id = await save(1);
    const kept = { snapshots: [id] };
    expect(await extendLocks(repository, kept, context())).toEqual({ extended: 0, failed: 0 });
    clock.moveDays(16);
    const all = (await keysBelow('')).filter(isLockable);
    const report = await extendLocks(repository, kept, context());
    expect(report).toEqual({ extended: all.length, failed: 0, until: new Date(clock.now().getTime() + 30 * dayMs) });
    expect((await extendLocks(repository, kept, context())).extended).toBe(0);
    for (const key of all) expect(await lockedUntil(key)).toBe(clock.now().getTime() + 30 * dayMs);
  });

  test('a point that is named and locked waits, and so does what it needs', async () => {
    const first = await save(1);
    await save(2);
    const report = await prune(
      repository,
      { forget: { points: [{ name: first.slice(0, 12) }], force: false }, dryRun: false, lock: {}, confirm: () => Promise.resolve(true) },
      context(),
    );
    expect([report.forget?.remove, report.forget?.waiting.map(({ point }) => point.id)]).toEqual([[], [first]]);
    expect(await loadPoints(repository)).toHaveLength(2);
  });
});

test('where nothing can be removed, nothing is half done, and it is no failure', async () => {
  await open(() => ({ appendOnly: true }));
  for (const day of [1, 2, 3]) {
    await save(day);
    clock.moveDays(1);
  }
  const before = await keysBelow('');
  const report = await pruneTo(1);
  expect(report.done).toBe(false);
  expect(report.refusal?.code).toBe('storage-denied');
  expect(report.forget?.remove).toHaveLength(2);
  expect((await keysBelow('')).filter((key) => !key.startsWith('locks/'))).toEqual(before.filter((key) => !key.startsWith('locks/')));
  await assertWhole();
});
