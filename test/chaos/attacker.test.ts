/**
 * Somebody has everything that the host has: its keys of the bucket, and the repository's password. With object lock, what was good before is
 * still good: deleting, overwriting, flooding with points and pruning cannot make it unrecoverable.
 */
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  S3Client,
  type ObjectVersion,
} from '@aws-sdk/client-s3';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from '../../src/cli/testing/run-holdfast.ts';
import { systemClock } from '../../src/util/clock.ts';
import { startCeph, type Ceph, type S3Keys } from '../harness/stores/ceph.ts';
import { compareTrees } from '../harness/trees/compare-trees.ts';
import { noiseBytes } from '../harness/trees/seeded-bytes.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const place = await makeWorkplace();
const [data, good] = [place.path('app', 'data'), place.path('good')];
let ceph: Ceph;
let host: S3Keys;
let attacker: S3Client;

beforeAll(async () => {
  ceph = await startCeph();
  host = await ceph.addUser('host');
  attacker = new S3Client({
    endpoint: ceph.endpoint,
    region: ceph.region,
    forcePathStyle: true,
    credentials: { accessKeyId: host.accessKey, secretAccessKey: host.secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  await mkdir(data, { recursive: true });
});
afterAll(async () => {
  attacker?.destroy();
  await ceph?.stop();
  await place.remove();
});

async function writeConfiguration(bucket: string, mode: string): Promise<void> {
  await writeFile(
    place.path('app', 'holdfast.yaml'),
    `application: shop
repositories: { offsite: { url: "s3://${bucket}/app?endpoint=${ceph.endpoint}", lock: { mode: ${mode}, for: 2d } } }
components: { uploads: { files: ./data } }
`,
  );
}

const holdfast = (...args: string[]): Promise<RunResult> =>
  runHoldfast(args, {
    cwd: place.path('app'),
    env: { ...host.environment, XDG_CACHE_HOME: place.path('cache'), HOLDFAST_STATE: place.path('state') },
  });

async function well(...args: string[]): Promise<RunResult> {
  const result = await holdfast(...args);
  expect({ args, status: result.status, stderr: result.status === 0 ? '' : result.stderr }).toEqual({ args, status: 0, stderr: '' });
  return result;
}

async function versionsIn(bucket: string): Promise<ObjectVersion[]> {
  const { Versions = [], IsTruncated } = await ceph.client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  expect(IsTruncated).not.toBe(true);
  return Versions;
}

describe.each(['governance', 'compliance'])('with a lock of the kind %s', (mode) => {
  const bucket = `attacked-${mode}`;

  test('an older good point is brought back after all that the host could do', async () => {
    await ceph.createBucket(bucket, { lock: true });
    await ceph.allow(bucket, 'host', [
      's3:GetObject',
      's3:GetObjectVersion',
      's3:PutObject',
      's3:DeleteObject',
      's3:DeleteObjectVersion',
      's3:ListBucket',
      's3:ListBucketVersions',
      's3:PutObjectRetention',
      's3:GetObjectRetention',
      's3:GetBucketObjectLockConfiguration',
      's3:GetBucketVersioning',
    ]);
    await writeConfiguration(bucket, mode);
    for (let number = 0; number < 20; number += 1) await writeFile(join(data, `file-${number}`), noiseBytes(`${mode} ${number}`, 300_000));
    await well('backup');
    await rm(good, { recursive: true, force: true });
    await well('restore', 'latest', '--component', 'uploads', '--target', good, '--yes');
    const points = parseLines((await well('list', '--json')).stdout);
    expect(points).toHaveLength(1);
    await sleep(1500);
    const before = systemClock.now().toISOString();
    await sleep(1500);

    // Points of rubbish, so that retention would let the good one go; then retention.
    await rm(data, { recursive: true });
    await mkdir(data);
    for (let number = 0; number < 3; number += 1) {
      await writeFile(join(data, 'encrypted'), noiseBytes(`rubbish ${mode} ${number}`, 100_000));
      await well('backup', '--tag', 'rubbish');
    }
    const pruned = await holdfast('prune', '--keep-last', '1', '--yes');
    expect(pruned.stderr).not.toContain('defect');
    // Every object, by name and by version, with and without what shortens a lock; then others in their places.
    const versions = await versionsIn(bucket);
    expect(versions.length).toBeGreaterThan(8);
    let refused = 0;
    for (const { Key, VersionId } of versions) {
      const shorter = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.parse(before) + 60_000) } as const;
      // Ceph 16 lets everybody who may delete versions pass a governance lock, though AWS asks for s3:BypassGovernanceRetention (docs/s3.md).
      const bypasses = mode === 'governance' ? [false] : [false, true];
      for (const command of [
        ...bypasses.flatMap((BypassGovernanceRetention) => [
          new PutObjectRetentionCommand({ Bucket: bucket, Key, VersionId, Retention: shorter, BypassGovernanceRetention }),
          new DeleteObjectCommand({ Bucket: bucket, Key, VersionId, BypassGovernanceRetention }),
        ]),
        new DeleteObjectCommand({ Bucket: bucket, Key }),
        new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.from('rubbish') }),
      ])
        await sendAny(command).catch(() => (refused += 1));
    }
    expect(refused).toBeGreaterThan(0);
    expect((await holdfast('restore', 'latest', '--component', 'uploads', '--target', place.path('never'), '--yes')).status).not.toBe(0);

    const target = place.path(`back-${mode}`);
    await well('check', '--read-data', '--as-of', before);
    const seen = parseLines((await well('list', '--json', '--as-of', before)).stdout);
    expect(seen.map(({ id }) => id)).toEqual(points.map(({ id }) => id));
    await well('restore', 'latest', '--component', 'uploads', '--target', target, '--as-of', before, '--yes');
    expect(compareTrees(join(good, data), join(target, data))).toEqual([]);
  });
});

async function sendAny(command: PutObjectRetentionCommand | DeleteObjectCommand | PutObjectCommand): Promise<void> {
  if (command instanceof PutObjectRetentionCommand) await attacker.send(command);
  else if (command instanceof DeleteObjectCommand) await attacker.send(command);
  else await attacker.send(command);
}
