/**
 * Repositories that somebody made to do harm, who knows the password: refused with a clear error, in bounded time and memory, and nothing
 * is written outside the target.
 */
import { createHash, hash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeWorkplace, type RunResult } from '../../src/cli/testing/run-holdfast.ts';
import { done, holdfast } from '../harness/programs/run-programs.ts';
import { createQuickRepository } from '../harness/repositories/quick-repository.ts';
import { compressedSpaces, Forge, type ForgedEntry } from './forge.ts';

const mostMegabytes = 400;
const place = await makeWorkplace();
let run = 0;
let here = '';
let repository = '';
let forge: Forge;
afterAll(() => place.remove());
beforeAll(() => createQuickRepository(place.path('empty')));
beforeEach(async () => {
  here = place.path(String(++run));
  mkdirSync(join(here, 'outside'), { recursive: true });
  repository = join(here, 'repository');
  cpSync(place.path('empty'), repository, { recursive: true });
  forge = await Forge.open(repository);
});

/* The high-water mark of the process itself: what getrusage tells includes the parent's at the time of the fork. */
const tellMemory =
  'data:text/javascript,import{readFileSync,writeFileSync}from"node:fs";process.on("exit",()=>writeFileSync(process.env.MEMORY_FILE,/VmHWM:%5Cs*(%5Cd+)/.exec(readFileSync("/proc/self/status","utf8"))[1]))';

/** Runs a command that must end by itself, with little memory, and without a defect of ours. */
async function bounded(words: readonly string[]): Promise<RunResult> {
  const memory = join(here, 'memory');
  const result = await holdfast(repository, words, { node: ['--import', tellMemory], env: { MEMORY_FILE: memory } });
  expect(result.stderr + result.stdout, words.join(' ')).not.toMatch(/defect of holdfast|RangeError|TypeError|heap out of memory/);
  expect(result.status, `${words.join(' ')}: ${result.stderr}`).toBeLessThan(128);
  expect(Number(readFileSync(memory, 'utf8')) / 1024, `megabytes of ${words.join(' ')}`).toBeLessThan(mostMegabytes);
  return result;
}

const restore = (): Promise<RunResult> => bounded(['restore', 'latest', '--target', join(here, 'target')]);

/** Restore refuses it or fails, check complains, and what else reads everything is none the worse for it. */
async function expectRefused(others: readonly (readonly string[])[] = []): Promise<void> {
  const restored = await restore();
  expect(restored.status, restored.stderr).toBe(1);
  expect(restored.stderr).toMatch(/^Error: Cannot /m);
  const checked = await bounded(['check', '--read-data']);
  expect(checked.status, checked.stdout + checked.stderr).toBe(1);
  for (const words of others) await bounded(words);
  expectNothingOutside();
}

function expectNothingOutside(): void {
  expect(readdirSync(join(here, 'outside'))).toEqual([]);
  expect(readdirSync(here).filter((name) => !['outside', 'repository', 'target', 'memory', 'copy'].includes(name))).toEqual([]);
  expect(existsSync('/etc/holdfast-escaped')).toBe(false);
}

describe('names that lead out', () => {
  const names = ['../escaped', '/etc/holdfast-escaped', 'a/../../escaped', 'a\0b', '..', '.', '', String.raw`..\x2fescaped`];
  test.each(names)('%j', async (name) => {
    await forge.commit(forge.tree([forge.file('good', 'good'), forge.file(name, 'escaped')]));
    await expectRefused([
      ['ls', 'latest'],
      ['find', '*'],
    ]);
    expect(existsSync(join(here, 'target', 'good'))).toBe(false);
  });

  test('a folder with such a name', async () => {
    await forge.commit(forge.tree([forge.folder('..', forge.tree([forge.folder('outside', forge.tree([forge.file('planted', 'x')]))]))]));
    await expectRefused();
  });
});

describe('links that lead out', () => {
  test.each(['link first', 'folder first'])('a link and a folder of one name, %s', async (order) => {
    const inner = forge.tree([forge.file('planted', 'x')]);
    const nodes: ForgedEntry[] = [{ name: 'a', type: 'symlink', linktarget: join(here, 'outside') }, forge.folder('a', inner)];
    await forge.commit(forge.tree(order === 'link first' ? nodes : nodes.toReversed()));
    await expectRefused();
  });

  test('a link of one snapshot in the way of a folder of the next', async () => {
    await forge.commit(forge.tree([{ name: 'a', type: 'symlink', linktarget: join(here, 'outside') }]));
    await done(restore());
    const inner = forge.tree([forge.file('planted', 'x')]);
    await forge.commit(forge.tree([forge.folder('a', inner)]), { time: '2026-01-02T03:04:05Z' });
    await restore();
    expectNothingOutside();
    expect(readFileSync(join(here, 'target', 'a', 'planted'), 'utf8')).toBe('x');
  });

  test('a link of one snapshot in the way of a file of the next', async () => {
    writeFileSync(join(here, 'memory'), 'x');
    await forge.commit(forge.tree([{ name: 'a', type: 'symlink', linktarget: join(here, 'outside', 'planted') }]));
    await done(restore());
    await forge.commit(forge.tree([forge.file('a', 'mine')]), { time: '2026-01-02T03:04:05Z' });
    await restore();
    expectNothingOutside();
    expect(readFileSync(join(here, 'target', 'a'), 'utf8')).toBe('mine');
  });

  test('a hard link to a link', async () => {
    const shared = { inode: 7, device_id: 8, links: 2 };
    const outside = { name: 'a', type: 'symlink', linktarget: join(here, 'outside', 'planted'), ...shared };
    await forge.commit(forge.tree([outside, forge.file('b', 'planted', shared)]));
    await restore();
    expectNothingOutside();
  });
});

describe('sizes that are not so', () => {
  const lies: readonly (readonly [string, ForgedEntry])[] = [
    ['a plain length of 4 GiB', { uncompressed_length: 0xffff_ffff }],
    ['a plain length of 500 MiB', { uncompressed_length: 500 * 2 ** 20 }],
    ['a length far beyond the pack', { length: 0xffff_ffff }],
    ['a length beyond the pack', { length: 100_000 }],
    ['an offset far beyond the pack', { offset: 0xffff_ff00 }],
    ['no length', { length: 0 }],
    ['a length below that of a seal', { length: 31 }],
    ['a length beyond 32 bits', { length: 2 ** 40 }],
    ['a negative offset', { offset: -1 }],
    ['a fraction', { length: 50.5 }],
  ];
  test.each(lies)('%s, of data', async (_, entry) => {
    const lie = forge.data('content', entry);
    await forge.commit(forge.tree([{ name: 'lie', type: 'file', size: entry['uncompressed_length'] ?? 7, content: [lie] }]));
    await expectRefused();
    expect(existsSync(join(here, 'target', 'lie'))).toBe(false);
  });
  test.each(lies)('%s, of a tree', async (_, entry) => {
    await forge.commit(forge.tree([forge.file('good', 'good')], entry));
    await expectRefused();
  });

  test.each([-1, 0.5, 2 ** 53, 1e300, '7', 8])('a file of %j bytes', async (size) => {
    await forge.commit(forge.tree([forge.file('lie', 'content', { size })]));
    const restored = await restore();
    expect(restored.status).toBe(1);
    expect(existsSync(join(here, 'target', 'lie'))).toBe(false);
    await bounded(['check', '--read-data']);
    await bounded(['ls', 'latest', '--json']);
  });

  test.each(['../../../etc/passwd', 'x', 7, null])('a pack called %j', async (id) => {
    await forge.commit(forge.tree([forge.file('good', 'good')]));
    await forge.index({ packs: [{ id, blobs: [{ id: hash('sha256', 'x'), type: 'data', offset: 0, length: 50 }] }] });
    await expectRefused();
  });

  test('an index of another form', async () => {
    await forge.commit(forge.tree([forge.file('good', 'good')]));
    for (const index of [[], 7, null, { packs: 7 }, { packs: [7] }, { packs: [{ id: hash('sha256', 'x'), blobs: [{}] }] }])
      await forge.index(index);
    await expectRefused();
  });
});

describe('bombs', () => {
  test('in a snapshot', async () => {
    await forge.commit(forge.tree([forge.file('good', 'good')]));
    await forge.bomb('snapshot', 1500);
    expect((await bounded(['list'])).status).toBe(1);
    expect((await bounded(['check'])).status).toBe(1);
  });

  test('in an index', async () => {
    await forge.commit(forge.tree([forge.file('good', 'good')]));
    await forge.bomb('index', 1500);
    await expectRefused();
  });

  test('in a lock', { timeout: 120_000 }, async () => {
    await forge.commit(forge.tree([forge.file('good', 'good')]));
    await forge.bomb('lock', 1500);
    expect((await bounded(['check', '--no-lock'])).status).toBe(1);
    expect((await bounded(['unlock', '--remove-all'])).status).toBe(0);
    expect((await bounded(['check'])).status).toBe(0);
  });

  test.each([
    ['said to be small', 1500, 1000],
    ['said to be what it is', 1500, 1500 * 2 ** 20],
  ])('in a tree, %s', async (_, megabytes, uncompressedLength) => {
    const id = hash('sha256', `bomb ${megabytes}`);
    await forge.commit(forge.add({ id, type: 'tree', stored: compressedSpaces(megabytes), uncompressedLength }));
    await expectRefused([
      ['ls', 'latest'],
      ['prune', '--yes'],
    ]);
  });

  test('in data, said to be small', async () => {
    const content = forge.add({ id: hash('sha256', 'b'), type: 'data', stored: compressedSpaces(1500), uncompressedLength: 1000 });
    await forge.commit(forge.tree([{ name: 'bomb', type: 'file', size: 1000, content: [content] }]));
    await expectRefused();
    expect(existsSync(join(here, 'target', 'bomb'))).toBe(false);
  });

  test.each([
    ['of brackets', '[', 120_000_000],
    ['of entries that are none', '{},', 40_000_000],
    ['of numbers', '1,', 60_000_000],
  ])('in a tree, %s', async (_, piece, times) => {
    const content = Buffer.concat([Buffer.from('{"nodes":['), Buffer.alloc(piece.length * times, piece), Buffer.from('1]}')]);
    const uncompressedLength = content.length;
    await forge.commit(forge.add({ id: hash('sha256', content), type: 'tree', stored: zstdCompressSync(content), uncompressedLength }));
    await expectRefused();
  });
});

test('folders 5 000 deep: refused by restore, walked to the end by what needs no path', { timeout: 120_000 }, async () => {
  let tree = forge.tree([forge.file('bottom', 'x')]);
  for (let depth = 0; depth < 5000; depth++) tree = forge.tree([forge.folder('d', tree), { name: String(depth), type: 'fifo' }]);
  await forge.commit(tree);
  const restored = await restore();
  expect(restored.status).toBe(1);
  expect(restored.stderr).toContain('deep');
  expect(existsSync(join(here, 'target'))).toBe(false);
  expect((await bounded(['check', '--read-data'])).status).toBe(0);
  expect((await bounded(['prune', '--yes'])).status).toBe(0);
  await bounded(['ls', 'latest']);
  await bounded(['find', 'bottom']);
  cpSync(place.path('empty'), join(here, 'copy'), { recursive: true });
  const from = repository;
  repository = join(here, 'copy');
  expect((await bounded(['copy', '--from-repo', from])).status).toBe(0);
});

test.each([
  ['N', 2 ** 30],
  ['N', 2 ** 24],
  ['N', 3],
  ['r', 2 ** 20],
  ['p', 2 ** 30],
  ['p', 0],
  ['N', 'many'],
])('a key that asks scrypt for %s = %s', async (name, value) => {
  const [old = ''] = readdirSync(join(repository, 'keys'));
  const wire: unknown = JSON.parse(readFileSync(join(repository, 'keys', old), 'utf8'));
  const key = JSON.stringify({ ...Object(wire), [name]: value });
  writeFileSync(join(repository, 'keys', createHash('sha256').update(key).digest('hex')), key);
  await done(bounded(['list'])); // the other key still opens
  await forge.repository.removeFile('key', old);
  const { status, stderr } = await bounded(['list']);
  expect(status).toBe(1);
  expect(stderr).toContain('Cannot trust keys/');
});
