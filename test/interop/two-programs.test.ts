/** Both programs write into one repository in turn: neither stores what the other has stored, and each tidies up after the other. */
import { appendFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { done, holdfast, judge, restic, summaryOf } from '../harness/programs/run-programs.ts';
import { createQuickRepository } from '../harness/repositories/quick-repository.ts';
import { changeTree } from '../harness/trees/change-tree.ts';
import { compareTrees } from '../harness/trees/compare-trees.ts';
import { isLostByFormat, isMissedByRestic } from '../harness/trees/known-losses.ts';
import { makeTree } from '../harness/trees/make-tree.ts';

const place = await makeWorkplace();
const tree = place.path('tree');
const [byOurs, byTheirs] = [place.path('by-ours'), place.path('by-theirs')];
afterAll(() => place.remove());

const backUp = { ours: ['backup', '--files', tree, '--host', 'ours', '--json'], theirs: ['backup', tree, '--host', 'theirs', '--json'] };

beforeAll(async () => {
  await makeTree(tree, { seed: 'two programs' });
  await createQuickRepository(byOurs);
  await createQuickRepository(byTheirs, { version: 2 });
});

describe('the second program stores no data that the first one has stored', () => {
  test('holdfast, then restic', async () => {
    const ours = summaryOf(await done(holdfast(byOurs, backUp.ours)));
    expect(ours['data_blobs']).toBeGreaterThan(50);
    const theirs = summaryOf(await done(restic(byOurs, backUp.theirs)));
    expect(theirs).toMatchObject({ data_blobs: 0, total_files_processed: ours['total_files_processed'] });
    expect(theirs['total_bytes_processed']).toBe(ours['total_bytes_processed']);
    await judge(byOurs);
  });

  test('restic, then holdfast', async () => {
    const theirs = summaryOf(await done(restic(byTheirs, backUp.theirs)));
    expect(theirs['data_blobs']).toBeGreaterThan(50);
    const ours = summaryOf(await done(holdfast(byTheirs, backUp.ours)));
    expect(ours).toMatchObject({ data_blobs: 0, total_files_processed: theirs['total_files_processed'] });
    expect(ours['total_bytes_processed']).toBe(theirs['total_bytes_processed']);
    await judge(byTheirs);
  });

  test('nor after a change in the middle of large files', async () => {
    changeTree(tree);
    appendFileSync(`${tree}/contents/large-text`, 'one more line\n'.repeat(1000));
    expect(summaryOf(await done(holdfast(byOurs, backUp.ours)))['data_blobs']).toBeGreaterThan(0);
    expect(summaryOf(await done(restic(byOurs, backUp.theirs)))).toMatchObject({ data_blobs: 0 });
    expect(summaryOf(await done(restic(byTheirs, backUp.theirs)))['data_blobs']).toBeGreaterThan(0);
    expect(summaryOf(await done(holdfast(byTheirs, backUp.ours)))).toMatchObject({ data_blobs: 0 });
  });
});

test.each([
  ['holdfast', byOurs],
  ['restic', byTheirs],
])('what restic forgets and prunes in a repository begun by %s is sound for holdfast', async (_, repository) => {
  await done(restic(repository, ['forget', '--keep-last', '1', '--prune', '--max-unused', '0']));
  const { stdout } = await done(holdfast(repository, ['check', '--read-data', '--json']));
  expect(summaryOf({ stdout })).toMatchObject({ num_errors: 0 });
  await restoreBoth(repository);
});

test.each([
  ['holdfast', byOurs],
  ['restic', byTheirs],
])('what holdfast prunes in a repository begun by %s is sound for restic', async (_, repository) => {
  changeTreeAgain();
  await done(restic(repository, backUp.theirs));
  await done(holdfast(repository, backUp.ours));
  await done(holdfast(repository, ['prune', '--keep-last', '1', '--max-unused', '0', '--yes']));
  await judge(repository);
  await restoreBoth(repository);
});

describe("a snapshot of one program as parent of the other's", () => {
  const repository = place.path('parents');
  beforeAll(() => createQuickRepository(repository));

  test('no file is read again', async () => {
    await done(restic(repository, backUp.theirs));
    const ours = await done(holdfast(repository, [...backUp.ours, '--host', 'theirs']));
    expect(summaryOf(ours)).toMatchObject({ files_new: 0, files_changed: 0, data_blobs: 0 });
    const theirs = await done(restic(repository, backUp.theirs));
    expect(summaryOf(theirs)).toMatchObject({ files_new: 0, files_changed: 0, data_blobs: 0 });
  });

  test('what restic does not see, holdfast does not take from its snapshot', async () => {
    await done(holdfast(repository, [...backUp.ours, '--host', 'theirs']));
    const target = place.path('back-of-parents');
    await done(holdfast(repository, ['restore', 'latest', '--target', target]));
    expect(compareTrees(tree, `${target}${tree}`).filter((difference) => !isLostByFormat(difference))).toEqual([]);
  });
});

function changeTreeAgain(): void {
  appendFileSync(`${tree}/contents/large-noise`, 'again');
  appendFileSync(`${tree}/contents/one-byte`, 'again');
}

/** The newest point of either host, with holdfast. */
async function restoreBoth(repository: string): Promise<void> {
  for (const host of ['ours', 'theirs']) {
    const target = place.path(`back-of-${host}`);
    rmSync(target, { recursive: true, force: true });
    await done(holdfast(repository, ['restore', 'latest', '--host', host, '--target', target]));
    const isAllowed = host === 'ours' ? isLostByFormat : isMissedByRestic;
    expect(compareTrees(tree, `${target}${tree}`).filter((difference) => !isAllowed(difference))).toEqual([]);
  }
}
