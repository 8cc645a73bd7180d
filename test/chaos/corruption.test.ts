/**
 * Every file of a repository is damaged in every way: `check --read-data` says so and names the file, and no restore brings anything wrong
 * without saying that it failed.
 */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { checkRepository } from '../../src/engine/check/check-repository.ts';
import { lockRepository } from '../../src/engine/lock/lock-repository.ts';
import { HoldfastError } from '../../src/errors.ts';
import { done, holdfast } from '../harness/programs/run-programs.ts';
import { createQuickRepository, openQuickRepository } from '../harness/repositories/quick-repository.ts';
import { quietContext, restoreSnapshot } from '../harness/repositories/restore-in-process.ts';
import { damages, doDamage, type Damage } from './damage.ts';
import { KnownPoints } from './known-points.ts';
import { changeSmallTree, digestOf, makeSmallTree } from './small-tree.ts';

const seed = process.env['HOLDFAST_SEED'] ?? randomBytes(4).toString('hex');
const place = await makeWorkplace();
const repository = place.path('repository');
const target = place.path('target');
const points = new KnownPoints(place.path('tree'));
afterAll(() => place.remove());

/** Two snapshots, two index files, packs of data and of trees, two keys, a lock, and a pack that nothing needs. */
beforeAll(async () => {
  await createQuickRepository(repository);
  addSecondKey();
  makeSmallTree(points.tree, 'corruption', 0.4);
  for (const round of [1, 2]) {
    if (round > 1) changeSmallTree(points.tree, 'corruption again', 0.4);
    await done(holdfast(repository, ['backup', '--files', points.tree]));
    await points.learn(repository);
  }
  const opened = await openQuickRepository(repository);
  await lockRepository(opened, { exclusive: false, timing: { settleMs: 0 } }, quietContext());
  const orphan = randomBytes(5000);
  const [folder = ''] = readdirSync(join(repository, 'data'));
  writeFileSync(join(repository, 'data', folder, createHash('sha256').update(orphan).digest('hex')), orphan);
});

/** A key with another label and the same password, so that a damaged one does not keep everybody out. */
function addSecondKey(): void {
  const [name = ''] = readdirSync(join(repository, 'keys'));
  const key = readFileSync(join(repository, 'keys', name), 'utf8').replace('"username":"test"', '"username":"second"');
  writeFileSync(join(repository, 'keys', createHash('sha256').update(key).digest('hex')), key);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
}

/** All that a check with every byte read complains about; nothing where it is content. */
async function complaints(): Promise<string> {
  try {
    const report = await checkRepository(await openQuickRepository(repository), { readData: 'all' }, quietContext());
    return report.errors.map(({ object, reason }) => `${object}: ${reason}`).join('\n');
  } catch (error) {
    return complaintOf(error);
  }
}

/** Whatever else is thrown is a defect. */
function complaintOf(error: unknown): string {
  if (error instanceof HoldfastError && error.code !== 'internal') return error.message;
  throw error;
}

/** Restores snapshots. Returns how many came back; throws where one came back wrong. */
async function restore(ids: Iterable<string>): Promise<number> {
  let whole = 0;
  for (const id of ids) {
    rmSync(target, { recursive: true, force: true });
    try {
      const { problems } = await restoreSnapshot(await openQuickRepository(repository), id, { target });
      if (problems > 0) continue;
    } catch (error) {
      complaintOf(error);
      continue;
    }
    if (!points.matches(id, digestOf(join(target, points.tree)))) throw new Error(`snapshot ${id} came back wrong, and nothing was said`);
    whole += 1;
  }
  return whole;
}

/** What cannot be noticed, because an honest repository looks like that too. */
function isAllowed(file: string, damage: Damage, orphan: boolean): boolean {
  const kind = relative(repository, file).split('/')[0];
  // A pack that no index names holds nothing that anybody needs.
  if (orphan) return true;
  // As a lock that is being written, which restic passes over too.
  if (kind === 'locks' && damage.name === 'empty') return true;
  // As after `forget`, `unlock`, `key remove`.
  // A record of the audit trail that is gone is for `audit verify` to find.
  return damage.name === 'deleted' && (kind === 'snapshots' || kind === 'locks' || kind === 'keys' || kind === 'holdfast');
}

/** A file that is gone can only be named by what needs it: blobs that no index names, a key that is missing, a config that is. */
function isNamed(file: string, said: string, damage: Damage): boolean {
  if (damage.name === 'deleted' && !file.includes('/data/')) return true;
  return said.includes(basename(file).slice(0, 8));
}

test('it is sound to begin with', async () => {
  expect(await complaints()).toBe('');
  expect(await restore(points.ids)).toBe(2);
});

test(`every file, every damage (seed ${seed})`, { timeout: 900_000 }, async () => {
  const named = new Set((await (await openQuickRepository(repository)).loadIndex()).packs);
  const wrong: string[] = [];
  for (const file of filesOf(repository)) {
    for (const damage of damages(`${seed} ${basename(file)}`)) {
      const what = `${relative(repository, file)}, ${damage.name}`;
      using _ = doDamage(file, damage);
      const said = await complaints();
      const orphan = file.includes('/data/') && !named.has(basename(file));
      if (isAllowed(file, damage, orphan)) continue;
      if (said === '') wrong.push(`${what}: check does not notice`);
      else if (!isNamed(file, said, damage)) wrong.push(`${what}: check does not name it, but says: ${said.slice(0, 300)}`);
      await restore(points.ids.slice(-1)).catch((error: unknown) => wrong.push(`${what}: ${String(error)}`));
    }
  }
  expect(wrong).toEqual([]);
  expect(await complaints()).toBe('');
});

test(`the command line: a sample of it (seed ${seed})`, { timeout: 120_000 }, async () => {
  const files = filesOf(repository);
  for (const kind of ['config', 'keys', 'snapshots', 'index', 'data']) {
    const file = files.findLast((each) => relative(repository, each).startsWith(kind)) ?? '';
    const [, middle] = damages(seed);
    if (middle === undefined) throw new Error('there is no damage to do');
    using _ = doDamage(file, middle);
    const check = await holdfast(repository, ['check', '--read-data']);
    expect(check.status, kind).toBe(1);
    expect(check.stdout + check.stderr).toContain(basename(file).slice(0, 8));
    expect(check.stderr).not.toContain('defect of holdfast');
    for (const id of points.ids) {
      rmSync(target, { recursive: true, force: true });
      const restore = await holdfast(repository, ['restore', id, '--target', target]);
      if (restore.status === 0) expect(points.matches(id, digestOf(join(target, points.tree)))).toBe(true);
    }
  }
});

test('a wrong password', async () => {
  for (const command of [['check'], ['list'], ['restore', 'latest', '--target', target], ['backup', '--files', points.tree]]) {
    const { status, stderr } = await holdfast(repository, command, { env: { HOLDFAST_PASSWORD: 'not this one' } });
    expect(status).toBe(12);
    expect(stderr).toContain('no key there opens with this password');
  }
});
