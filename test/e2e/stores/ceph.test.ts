import { afterAll, beforeAll, test, vi } from 'vitest';
import { startCeph, type Ceph } from '../../harness/stores/ceph.ts';
import { liveOneLife } from './life.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let ceph: Ceph;
beforeAll(async () => {
  ceph = await startCeph();
  await ceph.createBucket('life');
});
afterAll(() => ceph?.stop());

test("a repository's life on Ceph", () =>
  liveOneLife(
    {
      url: `s3://life/app?endpoint=${ceph.endpoint}`,
      otherUrl: `s3:${ceph.endpoint}/life/other/place`,
      environment: ceph.environment,
      resticUrl: `s3:${ceph.endpoint}/life/app`,
    },
    256,
  ));
