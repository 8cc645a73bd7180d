/** Disks that are full: one clear error, a repository that is sound, and everything goes on once there is room. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { makeWorkplace, type RunResult } from '../../src/cli/testing/run-holdfast.ts';
import { SmallDisk } from '../harness/disks/small-disk.ts';
import { done, holdfast, judge, restic } from '../harness/programs/run-programs.ts';
import { createQuickRepository } from '../harness/repositories/quick-repository.ts';
import { noiseBytes } from '../harness/trees/seeded-bytes.ts';
import { KnownPoints } from './known-points.ts';
import { makeSmallTree } from './small-tree.ts';

const place = await makeWorkplace();
let here = '';
let run = 0;
let points: KnownPoints;
beforeEach(() => {
  here = place.path(String(++run));
  points = new KnownPoints(join(here, 'tree'));
  makeSmallTree(points.tree, 'disk');
});
afterAll(() => place.remove());

/** The one thing that was wrong, said once. */
function expectOneError({ status, stderr }: RunResult, sentence: RegExp): void {
  expect(stderr).toMatch(sentence);
  expect(stderr.match(/^Error: /gm) ?? []).toHaveLength(1);
  expect(stderr).not.toContain('defect of holdfast');
  expect(status).toBe(1);
}

function growTree(): void {
  for (let number = 0; number < 30; number++) writeFileSync(join(points.tree, `photo-${number}`), noiseBytes(`photo ${number}`, 1_000_000));
}

describe.runIf(process.getuid?.() === 0)('a full disk under the repository', () => {
  test('a backup that does not fit', async () => {
    using disk = new SmallDisk(join(here, 'disk'), 16);
    const repository = join(disk.folder, 'repository');
    await createQuickRepository(repository);
    await done(holdfast(repository, ['backup', '--files', points.tree]));
    await points.learn(repository);
    const [first = ''] = points.ids;
    growTree();
    expectOneError(await holdfast(repository, ['backup', '--files', points.tree]), /^Error: Cannot write to \S+: the disk is full\.$/m);
    await judge(repository);
    await points.verify(repository, first);
    expect(readdirSync(join(repository, 'locks'))).toEqual([]);

    // Not a byte is left: nothing can be written, a lock included, and reading without one works.
    disk.fill();
    expectOneError(await holdfast(repository, ['backup', '--files', points.tree]), /the disk is full/);
    expectOneError(await holdfast(repository, ['restore', first, '--target', join(here, 'locked')]), /the disk is full[^]*--no-lock/);
    await done(holdfast(repository, ['restore', first, '--target', join(here, 'unlocked'), '--no-lock']));
    await done(holdfast(repository, ['check', '--read-data', '--no-lock']));
    await judge(repository);

    disk.relieve();
    disk.grow(64);
    await done(holdfast(repository, ['backup', '--files', points.tree]));
    await points.learn(repository);
    expect(points.ids).toHaveLength(2);
    await judge(repository);
    for (const id of points.ids) await points.verify(repository, id);
  });

  test('a copy that does not fit', async () => {
    const from = join(here, 'from');
    growTree();
    await createQuickRepository(from);
    await done(holdfast(from, ['backup', '--files', points.tree]));
    await points.learn(from);
    using disk = new SmallDisk(join(here, 'disk'), 16);
    const repository = join(disk.folder, 'repository');
    await createQuickRepository(repository);
    expectOneError(await holdfast(repository, ['copy', '--from-repo', from]), /^Error: Cannot write to \S+: the disk is full\.$/m);
    await judge(repository);
    disk.grow(64);
    await done(holdfast(repository, ['copy', '--from-repo', from]));
    await judge(repository);
    const { stdout } = await done(restic(repository, ['snapshots', '--json']));
    const [original = ''] = points.ids;
    await points.verify(repository, /"id":"([0-9a-f]{64})"/.exec(stdout)?.[1] ?? '', original);
  });

  test('a prune that has no room for what it must write first', async () => {
    using disk = new SmallDisk(join(here, 'disk'), 64);
    const repository = join(disk.folder, 'repository');
    await createQuickRepository(repository);
    growTree();
    await done(holdfast(repository, ['backup', '--files', points.tree]));
    for (let number = 0; number < 29; number += 2) writeFileSync(join(points.tree, `photo-${number}`), 'smaller now');
    await done(holdfast(repository, ['backup', '--files', points.tree]));
    disk.fill();
    const prune = ['prune', '--keep-last', '1', '--max-unused', '0', '--yes'];
    expectOneError(await holdfast(repository, prune), /the disk is full/);
    await judge(repository);
    disk.relieve();
    await done(holdfast(repository, prune));
    await judge(repository);
    const left = new KnownPoints(points.tree);
    await left.learn(repository);
    for (const id of left.ids) await left.verify(repository, id);
    expect(left.ids).toHaveLength(1);
  });
});

test.runIf(process.getuid?.() === 0)('a full disk under the target: one clear error, and no file that is half there', async () => {
  const repository = join(here, 'repository');
  growTree();
  await createQuickRepository(repository);
  await done(holdfast(repository, ['backup', '--files', points.tree]));
  using disk = new SmallDisk(join(here, 'disk'), 12);
  const target = join(disk.folder, 'target');
  mkdirSync(target);
  expectOneError(await holdfast(repository, ['restore', 'latest', '--target', target]), /^Error: Cannot restore to \S+: .*$/m);
  const restored = join(target, points.tree);
  const files = readdirSync(restored, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    expect(readFileSync(path).equals(readFileSync(path.slice(target.length))), path).toBe(true);
  }
  disk.grow(64);
  await done(holdfast(repository, ['restore', 'latest', '--target', target, '--verify']));
});
