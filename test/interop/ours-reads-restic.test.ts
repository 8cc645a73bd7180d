/** What stock restic writes, listed, checked, restored and pruned by holdfast. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeWorkplace, parseLines } from '../../src/cli/testing/run-holdfast.ts';
import { cheapenKey } from '../../src/engine/tree/testing/quick-restic.ts';
import { done, holdfast, judge, password, restic } from '../harness/programs/run-programs.ts';
import { changeTree } from '../harness/trees/change-tree.ts';
import { compareTrees } from '../harness/trees/compare-trees.ts';
import { isMissedByRestic } from '../harness/trees/known-losses.ts';
import { makeTree } from '../harness/trees/make-tree.ts';

const place = await makeWorkplace();
afterAll(() => place.remove());

describe.each([1, 2] as const)('a repository of version %i by restic', (version) => {
  const repository = place.path(`repository-${version}`);
  const tree = place.path(`tree-${version}`);

  async function restoreNewest(): Promise<void> {
    const target = place.path(`back-${version}`);
    rmSync(target, { recursive: true, force: true });
    await done(holdfast(repository, ['restore', 'latest', '--target', target, '--verify']));
    expect(compareTrees(tree, `${target}${tree}`).filter((difference) => !isMissedByRestic(difference))).toEqual([]);
  }

  beforeAll(async () => {
    await done(restic(repository, ['init', '--repository-version', String(version)]));
    await cheapenKey(place.path(`repository-${version}`, 'keys'), password);
    await makeTree(tree, { seed: `restic ${version}` });
    await done(restic(repository, ['backup', tree, '--host', 'web1', '--tag', 'nightly', '--time', '2026-11-19 02:00:00']));
    changeTree(tree);
    await done(restic(repository, ['backup', tree, '--host', 'web2', '--time', '2026-11-20 02:00:00']));
  });

  test('is listed', async () => {
    const theirs = (await done(restic(repository, ['snapshots', '--json']))).stdout;
    const points = parseLines((await done(holdfast(repository, ['list', '--json']))).stdout).filter((line) => 'short_id' in line);
    expect(points.map(({ id, host, tags, paths }) => ({ id, hostname: host, tags, paths }))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ hostname: 'web1', tags: ['nightly'], paths: [tree] }),
        expect.objectContaining({ hostname: 'web2', tags: [], paths: [tree] }),
      ]),
    );
    for (const { id } of points) expect(theirs).toContain(`"id":"${String(id)}"`);
  });

  test('shows the same entries', async () => {
    const theirs = (await done(restic(repository, ['ls', 'latest', '--json']))).stdout;
    const ours = (await done(holdfast(repository, ['ls', 'latest', '--json']))).stdout;
    expect(pathsIn(ours)).toEqual(pathsIn(theirs));
  });

  test('is sound', async () => {
    await done(holdfast(repository, ['check', '--read-data']));
  });

  test('comes back whole', restoreNewest);

  test('is pruned by holdfast, to the satisfaction of restic', async () => {
    await done(holdfast(repository, ['prune', '--keep-last', '1', '--group-by', '', '--max-unused', '0', '--yes']));
    await judge(repository);
    await restoreNewest();
  });
});

function pathsIn(lines: string): string[] {
  return parseLines(lines)
    .map(({ path }) => (typeof path === 'string' ? path : ''))
    .filter((path) => path !== '')
    .toSorted();
}
