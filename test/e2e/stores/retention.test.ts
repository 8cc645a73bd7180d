/** Prune where a real store locks, and where real servers let nothing be removed: nothing is half done, and it is no failure. */
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { checkRepository } from '../../../src/engine/check/check-repository.ts';
import { initRepository, type Repository } from '../../../src/engine/repository.ts';
import { backUp } from '../../../src/operations/back-up.ts';
import { openPlace, type PlaceOptions } from '../../../src/operations/open-place.ts';
import { loadPoints } from '../../../src/operations/points.ts';
import { prune, type PruneReport } from '../../../src/operations/prune.ts';
import type { Source, StreamEntry } from '../../../src/sources/source.ts';
import { systemClock, type Clock } from '../../../src/util/clock.ts';
import { quietContext } from '../../harness/repositories/restore-in-process.ts';
import { startCeph, type Ceph } from '../../harness/stores/ceph.ts';
import { startRcloneRest } from '../../harness/stores/rclone.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const hour = 3_600_000;

function sourceOf(text: string): Source {
  async function* entries(): AsyncGenerator<StreamEntry> {
    yield {
      path: '/dump',
      modified: new Date(0),
      async *open() {
        yield Buffer.from(text.repeat(10_000));
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

async function makeRepository(url: string, options: PlaceOptions, clock: Clock = systemClock): Promise<Repository> {
  const repository = await initRepository(await openPlace(url, { ...options, cache: false }), { password: 'x', clock });
  for (const text of ['first', 'second'])
    await backUp(repository, { components: [{ source: sourceOf(text) }], host: 'db1', time: clock.now() }, quietContext());
  return repository;
}

function pruneToOne(repository: Repository): Promise<PruneReport> {
  const forget = { policy: { last: 1 }, by: {}, filter: {} };
  const request = { forget, free: { maxUnused: 0 }, dryRun: false, lock: {}, confirm: () => Promise.resolve(true) };
  return prune(repository, request, quietContext());
}

async function keysOf(repository: Repository): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of repository.storage.list('')) if (!key.startsWith('locks/')) keys.push(key);
  return keys.toSorted();
}

async function assertRefused(repository: Repository): Promise<void> {
  const before = await keysOf(repository);
  const report = await pruneToOne(repository);
  expect([report.done, report.forget?.remove.length, report.refusal === undefined]).toEqual([false, 1, false]);
  expect(await keysOf(repository)).toEqual(before);
  expect((await checkRepository(repository, { readData: 'all' }, quietContext())).errors).toEqual([]);
}

describe('Ceph', () => {
  let ceph: Ceph;
  beforeAll(async () => {
    ceph = await startCeph();
  });
  afterAll(() => ceph?.stop());

  test('what is locked waits, and the locks of what stays are made longer', async () => {
    await ceph.createBucket('locked', { lock: true });
    let ahead = 0;
    const clock: Clock = { now: () => new Date(systemClock.now().getTime() + ahead) };
    const lock = { mode: 'governance', forMs: 4 * hour } as const;
    const repository = await makeRepository(`s3:${ceph.endpoint}/locked/app`, { environment: ceph.environment, lock }, clock);
    const report = await pruneToOne(repository);
    expect(report.refusal).toBeUndefined();
    expect(report.forget?.waiting).toHaveLength(1);
    expect(report.locks).toMatchObject({ extended: 0, failed: 0 });
    expect(await loadPoints(repository)).toHaveLength(2);

    ahead = 3 * hour;
    const later = await pruneToOne(repository);
    expect(later.forget?.waiting).toHaveLength(1);
    expect(later.locks?.failed).toBe(0);
    expect(later.locks?.extended).toBeGreaterThan(4);
    const [due, kept] = await loadPoints(repository);
    const untilOf = async (id: string | undefined): Promise<number> =>
      (await repository.storage.retention?.lockedUntil(`snapshots/${id}`))?.getTime() ?? 0;
    // Rounded to seconds.
    expect(await untilOf(kept?.id)).toBeGreaterThan(clock.now().getTime() + 4 * hour - 300_000);
    expect(await untilOf(due?.id)).toBeLessThan(clock.now().getTime() + 2 * hour);
    expect((await checkRepository(repository, { readData: 'all' }, quietContext())).errors).toEqual([]);
    await repository.close();
  });

  test('a key that may delete the locks of runs and nothing else', async () => {
    await ceph.createBucket('kept');
    const user = await ceph.addUser('writer');
    const statement = (actions: readonly string[], resources: readonly string[]): object => ({
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/writer'] },
      Action: actions,
      Resource: resources.map((resource) => `arn:aws:s3:::${resource}`),
    });
    const Statement = [
      statement(['s3:GetObject', 's3:PutObject', 's3:ListBucket'], ['kept', 'kept/*']),
      statement(['s3:DeleteObject'], ['kept/app/locks/*']),
    ];
    await ceph.client.send(new PutBucketPolicyCommand({ Bucket: 'kept', Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }));
    const repository = await makeRepository(`s3:${ceph.endpoint}/kept/app`, { environment: user.environment });
    await assertRefused(repository);
    await repository.close();
  });
});

test('a REST server that only takes more', async () => {
  const server = await startRcloneRest({ appendOnly: true });
  try {
    const repository = await makeRepository(`rest:http://127.0.0.1:${server.port}/`, {});
    await assertRefused(repository);
    await repository.close();
  } finally {
    await server.stop();
  }
});
