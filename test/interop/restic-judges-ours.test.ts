/** What holdfast writes, judged and restored by stock restic, and restored by holdfast itself. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { done, holdfast, judge, password, restic, summaryOf } from '../harness/programs/run-programs.ts';
import { createQuickRepository } from '../harness/repositories/quick-repository.ts';
import { changeTree } from '../harness/trees/change-tree.ts';
import { compareTrees } from '../harness/trees/compare-trees.ts';
import { makeTree } from '../harness/trees/make-tree.ts';
import { isLostByFormat, isLostByRestic } from '../harness/trees/known-losses.ts';

const place = await makeWorkplace();
afterAll(() => place.remove());

describe.each([1, 2] as const)('a repository of version %i', (version) => {
  const repository = place.path(`repository-${version}`);
  const tree = place.path(`tree-${version}`);

  /** Restores the newest point with both programs. */
  async function restoreWithBoth(): Promise<void> {
    const [ours, theirs] = [place.path('ours'), place.path('theirs')];
    for (const folder of [ours, theirs]) rmSync(folder, { recursive: true, force: true });
    await done(holdfast(repository, ['restore', 'latest', '--target', ours, '--verify']));
    expect(compareTrees(tree, `${ours}${tree}`).filter((difference) => !isLostByFormat(difference))).toEqual([]);
    await done(restic(repository, ['restore', 'latest', '--target', theirs]));
    expect(compareTrees(tree, `${theirs}${tree}`).filter((difference) => !isLostByRestic(difference))).toEqual([]);
  }

  beforeAll(async () => {
    await createQuickRepository(repository, { version });
    await makeTree(tree, { seed: `interop ${version}` });
  });

  test('a first backup', async () => {
    await done(holdfast(repository, ['backup', '--files', tree]));
    await judge(repository);
    await restoreWithBoth();
  });

  test('a backup of the same files', async () => {
    const { stdout } = await done(holdfast(repository, ['backup', '--files', tree, '--json']));
    expect(summaryOf({ stdout })).toMatchObject({ data_blobs: 0, files_new: 0, files_changed: 0 });
    await judge(repository);
  });

  test('a backup of changed files', async () => {
    changeTree(tree);
    await done(holdfast(repository, ['backup', '--files', tree]));
    await judge(repository);
    await restoreWithBoth();
  });

  test('a prune', async () => {
    const before = await done(restic(repository, ['stats', '--mode', 'raw-data', '--json']));
    await done(holdfast(repository, ['prune', '--keep-last', '1', '--max-unused', '0', '--yes']));
    await judge(repository);
    expect(JSON.parse((await done(restic(repository, ['snapshots', '--json']))).stdout)).toHaveLength(1);
    expect(sizeIn((await done(restic(repository, ['stats', '--mode', 'raw-data', '--json']))).stdout)).toBeLessThan(sizeIn(before.stdout));
    await restoreWithBoth();
  });

  test('a copy, to a repository of the other version too', async () => {
    for (const other of [1, 2] as const) {
      const copy = place.path(`copy-${version}-${other}`);
      await createQuickRepository(copy, { version: other });
      await done(holdfast(copy, ['copy', '--from-repo', repository]));
      await judge(copy);
      const target = place.path(`of-copy-${version}-${other}`);
      await done(holdfast(copy, ['restore', 'latest', '--target', target]));
      expect(compareTrees(tree, `${target}${tree}`).filter((difference) => !isLostByFormat(difference))).toEqual([]);
    }
  });

  test('keys that holdfast adds, replaces and removes open it for restic, or do not any more', async () => {
    const opens = async (word: string): Promise<boolean> =>
      (await restic(repository, ['cat', 'config'], { env: { RESTIC_PASSWORD: word } })).status === 0;
    await done(holdfast(repository, ['key', 'add'], { env: { HOLDFAST_NEW_PASSWORD: 'another' } }));
    expect(await opens('another')).toBe(true);
    await done(holdfast(repository, ['key', 'passwd'], { env: { HOLDFAST_PASSWORD: 'another', HOLDFAST_NEW_PASSWORD: 'a third' } }));
    expect([await opens('another'), await opens('a third'), await opens(password)]).toEqual([false, true, true]);
    await judge(repository);
    const { stdout } = await done(holdfast(repository, ['key', 'list', '--json'], { env: { HOLDFAST_PASSWORD: 'a third' } }));
    const current = /"current":true,"id":"([0-9a-f]{64})"/.exec(stdout)?.[1] ?? 'none';
    await done(holdfast(repository, ['key', 'remove', current]));
    expect([await opens('a third'), await opens(password)]).toEqual([false, true]);
    await judge(repository);
  });
});

function sizeIn(stats: string): number {
  return Number(/"total_size":(\d+)/.exec(stats)?.[1]);
}
