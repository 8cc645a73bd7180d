/** The audit trail on an object store: written, verified, and cut by somebody who may delete there. */
import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { startCeph, type Ceph } from '../../harness/stores/ceph.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let ceph: Ceph;
const work = await makeWorkplace();
beforeAll(async () => {
  ceph = await startCeph();
  await ceph.createBucket('audited');
  mkdirSync(work.path('data'));
  writeFileSync(work.path('data', 'file'), 'content');
});
afterAll(async () => {
  await ceph?.stop();
  await work.remove();
});

test('a trail on Ceph is written, and shows what was taken from it; whoever may only read restores all the same', async () => {
  const url = `s3://audited/app?endpoint=${ceph.endpoint}`;
  const env = { ...ceph.environment, XDG_CACHE_HOME: work.path('cache'), HOLDFAST_STATE: work.path('state') };
  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<RunResult> =>
    runHoldfast([...args, '-r', url], { env: { ...env, ...more } });
  expect((await run(['repo', 'init'])).status).toBe(0);
  // Two processes of one host at once take turns.
  const both = await Promise.all([run(['backup', '--files', work.path('data')]), run(['backup', '--files', work.path('data', 'file')])]);
  expect(both.map(({ status }) => status)).toEqual([0, 0]);

  const reader = await ceph.addUser('reader');
  await ceph.allow('audited', 'reader', ['s3:GetObject', 's3:ListBucket']);
  const restored = await run(['restore', 'latest', '--no-lock', '--target', work.path('target')], {
    ...reader.environment,
    HOLDFAST_STATE: work.path('readers-state'),
  });
  expect(restored).toMatchObject({ status: 0, stderr: expect.stringContaining('notice: the audit trail of') as unknown });

  const sound = await run(['audit', 'verify', '--json']);
  expect({ status: sound.status, stderr: sound.stderr }).toEqual({ status: 0, stderr: '' });
  expect(parseLines(sound.stdout)).toMatchObject([{ records: 3, num_findings: 0 }]);
  const { Contents: objects = [] } = await ceph.client.send(new ListObjectsV2Command({ Bucket: 'audited', Prefix: 'app/holdfast/audit/' }));
  const keys = objects.flatMap(({ Key: key }) => key ?? []).toSorted();
  expect(keys).toHaveLength(3);
  await ceph.client.send(new DeleteObjectCommand({ Bucket: 'audited', Key: keys.at(-1) }));
  const cut = await run(['audit', 'verify', '--json']);
  expect({ status: cut.status, findings: parseLines(cut.stderr) }).toMatchObject({
    status: 4,
    findings: [{ kind: 'cut', from: 3, to: 3 }],
  });
});
