import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import type { HoldfastEvent } from '../../events.ts';
import { createLocalStorage } from '../../storage/local/local-storage.ts';
import { createMeterStorage } from '../../storage/wrap/meter-storage.ts';
import { keyOf } from '../layout.ts';
import { decodeTree } from '../tree/decode-tree.ts';
import {
  backUpWithRestic,
  ForgedRepository,
  latestSnapshot,
  openWithPassword,
  problemsIn,
  restoreLatest,
} from './testing/restore-bench.ts';

const base = mkdtempSync(join(tmpdir(), 'holdfast-hostile-'));
let run = 0;
let here: string;
let target: string;
let forged: ForgedRepository;

beforeEach(async () => {
  here = join(base, String(++run));
  target = join(here, 'target');
  mkdirSync(here);
  forged = await ForgedRepository.create();
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('a tree that no honest program writes', () => {
  test.each(['../escaped', '/etc/escaped', '..', '.', '', 'a/b', 'a\0b', String.raw`..\x2fescaped`])('an entry named %j', async (name) => {
    const repository = await forged.commit(forged.tree([forged.file(name, 'x')]));
    await expect(restoreLatest(repository, { target })).rejects.toMatchObject({ code: 'hostile' });
    expect(readdirSync(here)).toEqual([]);
  });

  test('a link and a folder of one name', async () => {
    const outside = join(here, 'outside');
    mkdirSync(outside);
    const inner = forged.tree([forged.file('planted', 'x')]);
    const nodes = [
      { name: 'a', type: 'symlink', linktarget: outside },
      { name: 'a', type: 'dir', mode: 0o755, subtree: inner },
    ];
    for (const order of [nodes, nodes.toReversed()]) {
      const fresh = await ForgedRepository.create();
      fresh.tree([fresh.file('planted', 'x')]);
      await expect(restoreLatest(await fresh.commit(fresh.tree(order)), { target })).rejects.toMatchObject({ code: 'hostile' });
    }
    expect(readdirSync(outside)).toEqual([]);
    expect(existsSync(target)).toBe(false);
  });

  test('folders without end', async () => {
    let tree = forged.tree([]);
    for (let depth = 0; depth < 2100; depth++) tree = forged.tree([{ name: 'd', type: 'dir', mode: 0o755, subtree: tree, uid: depth }]);
    await expect(restoreLatest(await forged.commit(tree), { target })).rejects.toMatchObject({ code: 'hostile' });
    expect(existsSync(target)).toBe(false);
  });

  test('folders deeper than the system takes are told, and the rest is restored', async () => {
    let tree = forged.tree([forged.file('bottom', 'x')]);
    for (let depth = 0; depth < 40; depth++)
      tree = forged.tree([{ name: 'd'.repeat(200), type: 'dir', mode: 0o755, subtree: tree, uid: process.getuid?.() }]);
    const root = forged.tree([forged.file('beside', 'y'), { name: 'deep', type: 'dir', mode: 0o755, subtree: tree }]);
    const { problems } = await restoreLatest(await forged.commit(root), { target });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('ENAMETOOLONG');
    expect(readFileSync(join(target, 'beside'), 'utf8')).toBe('y');
  });

  test('a second name for a file of other content is a file of its own', async () => {
    const shared = { inode: 7, device_id: 8, links: 2 };
    const repository = await forged.commit(
      forged.tree([forged.file('a', 'one', shared), forged.file('b', 'two', shared), forged.file('c', 'one', shared)]),
    );
    await restoreLatest(repository, { target });
    expect(['a', 'b', 'c'].map((name) => readFileSync(join(target, name), 'utf8'))).toEqual(['one', 'two', 'one']);
  });
});

describe('content that is not there', () => {
  test.each([1, 2 ** 50])('a size of %i where the content has another', async (size) => {
    const told: HoldfastEvent[] = [];
    const repository = await forged.commit(forged.tree([forged.file('good', 'good'), forged.file('wrong', 'content', { size })]));
    const failure = await failureOf(restoreLatest(repository, { target }, { told }));
    expect(failure.code).toBe('restore-damaged');
    expect(failure.message).toContain(join(target, 'wrong'));
    expect(readdirSync(target)).toEqual(['good']);
    expect(problemsIn(told)).toEqual([expect.stringContaining(join(target, 'wrong'))]);
  });

  test('a blob in no index, and a tree in none', async () => {
    const lost = forged.tree([forged.file('inside', 'x')]);
    const root = forged.tree([
      forged.file('good', 'good'),
      forged.file('gone', 'gone'),
      { name: 'folder', type: 'dir', mode: 0o755, subtree: lost },
    ]);
    const repository = await forged.commit(root, [forged.data('gone'), lost]);
    mkdirSync(join(target, 'folder'), { recursive: true });
    writeFileSync(join(target, 'folder/kept'), 'x');
    writeFileSync(join(target, 'gone'), 'an older version');
    const told: HoldfastEvent[] = [];
    await expect(restoreLatest(repository, { target, delete: true }, { told })).rejects.toMatchObject({ code: 'restore-damaged' });
    expect(problemsIn(told)).toHaveLength(2);
    expect(readFileSync(join(target, 'good'), 'utf8')).toBe('good');
    expect(readFileSync(join(target, 'gone'), 'utf8')).toBe('an older version');
    expect(existsSync(join(target, 'folder/kept'))).toBe(true);
  });

  test.each(['local', 'remote'])(
    'a flipped bit in a pack (%s): the files in it are named and not there, all others are right',
    async (place) => {
      const source = join(here, 'source');
      const path = join(here, 'repository');
      mkdirSync(source);
      const large = randomBytes(9_000_000);
      writeFileSync(join(source, 'large'), large);
      for (let n = 0; n < 20; n++) writeFileSync(join(source, `small-${n}`), `content ${n}`);
      const original = await backUpWithRestic(path, source);
      const index = await original.loadIndex();
      const { tree } = await latestSnapshot(original);
      const victim =
        decodeTree(await original.readBlob('tree', tree))
          .find(({ name }) => name === 'large')
          ?.content?.at(-1) ?? '';
      const at = index.place(index.find(victim, 'data'));
      const pack = join(path, keyOf('pack', at.pack));
      const bytes = readFileSync(pack);
      bytes[at.offset + 100] = (bytes[at.offset + 100] ?? 0) ^ 4;
      chmodSync(pack, 0o600);
      writeFileSync(pack, bytes);
      const local = createLocalStorage(path);
      const repository = await openWithPassword(place === 'local' ? local : createMeterStorage(local));
      const told: HoldfastEvent[] = [];
      const failure = await failureOf(restoreLatest(repository, { target }, { told }));
      expect(failure.code).toBe('restore-damaged');
      expect(failure.message).toContain(join(target, 'large'));
      expect(problemsIn(told)).toEqual([expect.stringContaining(`${join(target, 'large')}: it is not restored`)]);
      expect(readdirSync(target)).toHaveLength(20);
      for (let n = 0; n < 20; n++) expect(readFileSync(join(target, `small-${n}`), 'utf8')).toBe(`content ${n}`);
    },
  );
});

async function failureOf(work: Promise<unknown>): Promise<HoldfastError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof HoldfastError) return error;
  throw new Error('it did not fail as it should', { cause: error });
}

test('an interrupted restore says so and leaves no half file', async () => {
  const source = join(here, 'source');
  mkdirSync(source);
  for (let n = 0; n < 8; n++) writeFileSync(join(source, `file-${n}`), randomBytes(10_000_000));
  const repository = await backUpWithRestic(join(here, 'repository'), source);
  const stop = new AbortController();
  const onEvent = (event: HoldfastEvent): void => {
    if (event.type === 'phase' && event.phase === 'restore') setTimeout(() => stop.abort(), 60);
  };
  await restoreLatest(repository, { target }, { signal: stop.signal, onEvent }).catch((error: unknown) =>
    expect(error).toMatchObject({ code: 'interrupted' }),
  );
  for (const name of readdirSync(target)) expect(readFileSync(join(target, name)).equals(readFileSync(join(source, name)))).toBe(true);
  const aborted = AbortSignal.abort();
  await expect(restoreLatest(repository, { target: join(here, 'other') }, { signal: aborted })).rejects.toMatchObject({
    code: 'interrupted',
  });
  expect(existsSync(join(here, 'other'))).toBe(false);
});

test.runIf(process.getuid?.() === 0)('a full disk is one clear error, and no half file', async () => {
  const source = join(here, 'source');
  mkdirSync(source);
  for (let n = 0; n < 6; n++) writeFileSync(join(source, `file-${n}`), randomBytes(3_000_000));
  const repository = await backUpWithRestic(join(here, 'repository'), source);
  mkdirSync(target);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', target]);
  try {
    await expect(restoreLatest(repository, { target })).rejects.toMatchObject({ code: 'target-full' });
    for (const name of readdirSync(target)) expect(readFileSync(join(target, name)).equals(readFileSync(join(source, name)))).toBe(true);
  } finally {
    execFileSync('umount', [target]);
  }
});

test.runIf(process.getuid?.() === 0)('a program is not given away: no setuid without its owner', async () => {
  const goSetuid = 2 ** 23;
  const repository = await forged.commit(
    forged.tree([forged.file('theirs', 'x', { mode: goSetuid + 0o755, uid: 12345 }), forged.file('mine', 'y', { mode: goSetuid + 0o755 })]),
  );
  await restoreLatest(repository, { target, owners: false });
  expect(execFileSync('stat', ['-c', '%a %u', 'theirs', 'mine'], { cwd: target, encoding: 'utf8' })).toBe('755 0\n4755 0\n');
  await restoreLatest(repository, { target });
  expect(execFileSync('stat', ['-c', '%a %u', 'theirs', 'mine'], { cwd: target, encoding: 'utf8' })).toBe('4755 12345\n4755 0\n');
});
