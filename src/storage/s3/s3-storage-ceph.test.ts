import { afterAll, beforeAll, vi } from 'vitest';
import { startCeph, type Ceph } from '../../../test/harness/stores/ceph.ts';
import { openStorage } from '../open-storage.ts';
import { storageContract, type StorageUnderTest } from '../testing/contract.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';

/* A store of several servers, on a machine that may be busy. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

let ceph: Ceph;
let count = 0;
beforeAll(async () => {
  ceph = await startCeph();
  await ceph.createBucket('contract');
  await ceph.createBucket('contract-locked', { lock: true });
});
afterAll(() => ceph.stop());

async function underTest(bucket = 'contract'): Promise<StorageUnderTest> {
  count += 1;
  const storage = await openStorage(`s3:${ceph.endpoint}/${bucket}/repository-${count}`, { environment: ceph.environment });
  return { storage, cleanup: async () => {} };
}

storageContract('S3 at Ceph', () => underTest());

storageContract('S3 at Ceph, below the retry wrapper', async () => {
  const { storage, cleanup } = await underTest();
  return { storage: createRetryStorage(storage, { firstDelay: 1, longestDelay: 20 }), cleanup };
});

/* With versions, Ceph does not hold racing puts apart by the condition. */
storageContract('S3 at Ceph, in a bucket that keeps versions', () => underTest('contract-locked'), { exclusive: false });
