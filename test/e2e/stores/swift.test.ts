import { afterAll, beforeAll, test, vi } from 'vitest';
import { startSwift, type Swift } from '../../harness/stores/swift.ts';
import { liveOneLife } from './life.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let swift: Swift;
beforeAll(async () => {
  swift = await startSwift();
  await swift.createBucket('life');
});
afterAll(() => swift?.stop());

test("a repository's life on OpenStack Swift's S3 layer", () =>
  liveOneLife(
    {
      url: `s3://life/app?endpoint=${swift.endpoint}`,
      otherUrl: `s3:${swift.endpoint}/life/other`,
      environment: swift.environment,
      resticUrl: `s3:${swift.endpoint}/life/app`,
      // restic 0.14 can read there and not write: Swift does not know how it sends what it writes.
      resticOptions: ['--no-lock'],
    },
    32,
  ));
