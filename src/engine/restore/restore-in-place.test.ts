import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compareTrees } from '../../../test/harness/trees/compare-trees.ts';
import type { Repository } from '../repository.ts';
import { planRestore } from './plan-restore.ts';
import type { OverwriteMode } from './restore-request.ts';
import { backUpWithRestic, latestSnapshot, restoreLatest } from './testing/restore-bench.ts';

const base = mkdtempSync(join(tmpdir(), 'holdfast-in-place-'));
const source = join(base, 'source');
const large = randomBytes(12_000_000);
let repository: Repository;
let target: string;
let targets = 0;

beforeAll(async () => {
  mkdirSync(join(source, 'folder/inner'), { recursive: true });
  writeFileSync(join(source, 'large'), large);
  writeFileSync(join(source, 'small'), 'from the snapshot');
  writeFileSync(join(source, 'folder/inner/file'), 'inner');
  symlinkSync('small', join(source, 'link'));
  utimesSync(join(source, 'small'), 1_700_000_000, 1_700_000_000);
  utimesSync(join(source, 'large'), 1_700_000_000, 1_700_000_000);
  repository = await backUpWithRestic(join(base, 'repository'), source);
});
beforeEach(() => {
  target = join(base, `target-${++targets}`);
  mkdirSync(target);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const sameAsSource = (): string[] => compareTrees(source, target, { ignore: ['holes'], skip: (path) => path === '.' });

describe('a file that is there already', () => {
  const older = 1_600_000_000;
  const newer = 1_800_000_000;
  const same = 1_700_000_000;
  test.each<[OverwriteMode, number, string, string]>([
    ['always', same, 'what  is  there  ', 'from the snapshot'],
    ['always', newer, 'longer than what the snapshot has', 'from the snapshot'],
    ['if-changed', same, 'what  is  there  ', 'what  is  there  '],
    ['if-changed', same, 'another size', 'from the snapshot'],
    ['if-changed', newer, 'what  is  there  ', 'from the snapshot'],
    ['if-newer', older, 'what  is  there  ', 'from the snapshot'],
    ['if-newer', same, 'what  is  there  ', 'what  is  there  '],
    ['if-newer', newer, 'what  is  there  ', 'what  is  there  '],
    ['never', older, 'what  is  there  ', 'what  is  there  '],
  ])('%s, its time %i, its content "%s"', async (overwrite, time, before, after) => {
    const file = join(target, 'small');
    writeFileSync(file, before, { mode: 0o600 });
    utimesSync(file, time, time);
    await restoreLatest(repository, { target, overwrite });
    expect(readFileSync(file, 'utf8')).toBe(after);
    const isLeft = overwrite === 'never' || (overwrite === 'if-newer' && time !== older);
    expect(statSync(file)).toMatchObject(isLeft ? { mode: 0o100600, mtimeMs: time * 1000 } : { mode: 0o100644, mtimeMs: same * 1000 });
  });

  test('is read, and only what differs is written', async () => {
    const changed = Buffer.from(large);
    changed[11_999_999] = (changed[11_999_999] ?? 0) ^ 1;
    writeFileSync(join(target, 'large'), Buffer.concat([changed, Buffer.from('and a tail')]));
    const plan = await planRestore(
      repository,
      await latestSnapshot(repository),
      { target, dryRun: true },
      { events: () => {}, signal: new AbortController().signal },
    );
    expect(plan.totals.bytesToWrite).toBeLessThan(10_000_000);
    expect([...plan.actions()].find(({ path }) => path.endsWith('/large'))).toMatchObject({ action: 'update', size: 12_000_000 });
    const { ino } = statSync(join(target, 'large'));
    await restoreLatest(repository, { target, verify: true });
    expect(readFileSync(join(target, 'large')).equals(large)).toBe(true);
    expect(statSync(join(target, 'large')).ino).toBe(ino);
  });

  test('is replaced rather than written where it has other names', async () => {
    writeFileSync(join(base, 'outside'), 'mine');
    linkSync(join(base, 'outside'), join(target, 'small'));
    await restoreLatest(repository, { target });
    expect(readFileSync(join(base, 'outside'), 'utf8')).toBe('mine');
    expect(readFileSync(join(target, 'small'), 'utf8')).toBe('from the snapshot');
  });
});

describe('something else in the place', () => {
  test('a link to a folder is replaced, never followed', async () => {
    const outside = mkdtempSync(join(base, 'outside-'));
    symlinkSync(outside, join(target, 'folder'));
    symlinkSync(join(outside, 'planted'), join(target, 'small'));
    symlinkSync(join(outside, 'planted'), join(target, 'large'));
    const { problems } = await restoreLatest(repository, { target });
    expect(problems).toEqual([]);
    expect(readdirSync(outside)).toEqual([]);
    expect(sameAsSource()).toEqual([]);
  });

  test('a file where a folder belongs, an empty folder where a file does', async () => {
    writeFileSync(join(target, 'folder'), 'x');
    mkdirSync(join(target, 'small'));
    mkdirSync(join(target, 'link'));
    await restoreLatest(repository, { target });
    expect(sameAsSource()).toEqual([]);
  });

  test('a folder with content gives way only to delete', async () => {
    mkdirSync(join(target, 'small'));
    writeFileSync(join(target, 'small/precious'), 'x');
    const { problems, summary } = await restoreLatest(repository, { target });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${join(target, 'small')}: a folder that cannot be removed is in its place`);
    expect(summary.problems).toBe(1);
    expect(existsSync(join(target, 'small/precious'))).toBe(true);
    await restoreLatest(repository, { target, delete: true });
    expect(sameAsSource()).toEqual([]);
  });
});

describe('delete', () => {
  beforeEach(() => {
    mkdirSync(join(target, 'extra/deep'), { recursive: true });
    mkdirSync(join(target, 'folder/inner'), { recursive: true });
    writeFileSync(join(target, 'extra/deep/file'), 'x');
    writeFileSync(join(target, 'folder/inner/old'), 'x');
    symlinkSync(base, join(target, 'extra-link'));
  });

  test('removes what is not in the snapshot, follows no link, and keeps the target', async () => {
    const plan = await planRestore(
      repository,
      await latestSnapshot(repository),
      { target, delete: true, dryRun: true },
      { events: () => {}, signal: new AbortController().signal },
    );
    expect(plan.deletions).toEqual([join(target, 'folder/inner/old'), join(target, 'extra'), join(target, 'extra-link')]);
    expect(existsSync(join(target, 'extra'))).toBe(true);
    const { summary } = await restoreLatest(repository, { target, delete: true });
    expect(summary.deletions).toBe(3);
    expect(sameAsSource()).toEqual([]);
    expect(existsSync(source)).toBe(true);
  });

  test('removes only what the patterns select', async () => {
    await restoreLatest(repository, { target, delete: true, include: ['/folder'] });
    expect(existsSync(join(target, 'folder/inner/old'))).toBe(false);
    expect(existsSync(join(target, 'extra'))).toBe(true);
    await restoreLatest(repository, { target, delete: true, exclude: ['/extra'] });
    expect(readdirSync(target).toSorted()).toEqual(['extra', 'folder', 'large', 'link', 'small']);
  });

  test('is not done where it could empty the machine, nor without being asked', async () => {
    await expect(restoreLatest(repository, { target: '/', delete: true, dryRun: true })).rejects.toMatchObject({ code: 'target-unusable' });
    await restoreLatest(repository, { target });
    expect(existsSync(join(target, 'extra'))).toBe(true);
  });
});

test('a dry run touches nothing', async () => {
  writeFileSync(join(target, 'small'), 'mine');
  const { summary } = await restoreLatest(repository, { target, dryRun: true, delete: true });
  expect(summary.files).toBe(3);
  expect(readdirSync(target)).toEqual(['small']);
  expect(readFileSync(join(target, 'small'), 'utf8')).toBe('mine');
});

test('a target that is no folder is refused', async () => {
  writeFileSync(join(target, 'file'), '');
  await expect(restoreLatest(repository, { target: join(target, 'file') })).rejects.toMatchObject({ code: 'target-unusable' });
  await expect(restoreLatest(repository, { target: join(target, 'file/below') })).rejects.toMatchObject({ code: 'target-unusable' });
});

test('the link is a link, and its target a word', async () => {
  await restoreLatest(repository, { target });
  expect(lstatSync(join(target, 'link')).isSymbolicLink()).toBe(true);
  expect(readlinkSync(join(target, 'link'))).toBe('small');
  chmodSync(target, 0o755);
});
