import { afterAll, beforeAll, vi } from 'vitest';
import { startSwift, type Swift } from '../../../test/harness/stores/swift.ts';
import { openStorage } from '../open-storage.ts';
import { storageContract, type StorageUnderTest } from '../testing/contract.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';

/* A store of several servers, on a machine that may be busy. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

let swift: Swift;
let count = 0;
beforeAll(async () => {
  swift = await startSwift();
  await swift.createBucket('contract');
});
afterAll(() => swift.stop());

async function underTest(): Promise<StorageUnderTest> {
  count += 1;
  const storage = await openStorage(`s3:${swift.endpoint}/contract/repository-${count}`, { environment: swift.environment });
  return { storage, cleanup: async () => {} };
}

/*
 * Swift answers a condition on a put with 501. A server of it that holds the only copy answers 404 where the file that it has just found is replaced before it
 * is opened (DiskFile in swift/obj/diskfile.py).
 */
const able = { exclusive: false, staysWhileReplaced: false };

storageContract('S3 at Swift', underTest, able);

storageContract(
  'S3 at Swift, below the retry wrapper',
  async () => {
    const { storage, cleanup } = await underTest();
    return { storage: createRetryStorage(storage, { firstDelay: 1, longestDelay: 20 }), cleanup };
  },
  able,
);
