import { randomBytes } from 'node:crypto';
import { globSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Storage } from '../../storage/storage.ts';
import { isError } from '../../errors.ts';
import { checkRepository } from './check-repository.ts';
import type { ReadDataChoice } from './check-report.ts';
import { makeSampleRepository, openSample, quietContext, type SampleRepository } from './testing/sample-repository.ts';

let sample: SampleRepository;
beforeAll(async () => {
  sample = await makeSampleRepository(2);
});
afterAll(() => sample[Symbol.dispose]());

async function check(path: string, readData: ReadDataChoice, wrap?: (storage: Storage) => Storage) {
  return checkRepository(await openSample(path, wrap), { readData }, quietContext());
}

test('a whole repository has no errors, and every pack is read', async () => {
  const report = await check(sample.path, 'all');
  expect(report.errors).toEqual([]);
  expect(report.notices).toEqual([]);
  expect(report.snapshots).toBe(2);
  expect(report.packsRead).toBe(report.packs);
  const sizes = globSync('data/*/*', { cwd: sample.path }).map((file) => statSync(join(sample.path, file)).size);
  expect(report.bytesRead).toBe(sizes.reduce((sum, size) => sum + size, 0));
});

test('storage that is no folder of this machine is read through it', async () => {
  const path = sample.copy('remote');
  const remote = (storage: Storage): Storage =>
    new Proxy(storage, { get: (target, name) => (name === 'local' ? undefined : bindTo(target, name)) });
  expect((await check(path, 'all', remote)).errors).toEqual([]);
  const [pack = ''] = globSync('data/*/*', { cwd: path });
  flipBit(join(path, pack), 100);
  expect((await check(path, 'all', remote)).errors.map(({ object }) => object)).toContain(`pack ${basename(pack)}`);
});

describe('damage to each file is found and the file named', () => {
  const emptied = (path: string): void => truncateSync(path, 0);
  const cut = (path: string): void => truncateSync(path, statSync(path).size - 1);
  const grown = (path: string): void => writeFileSync(path, Buffer.concat([readFileSync(path), randomBytes(1)]));
  const first = (path: string): void => flipBit(path, 0);
  const middle = (path: string): void => flipBit(path, Math.floor(statSync(path).size / 2));
  const last = (path: string): void => flipBit(path, statSync(path).size - 1);

  test.each([
    ['a bit of the first byte', first],
    ['a bit in the middle', middle],
    ['a bit of the last byte', last],
    ['cut by a byte', cut],
    ['emptied', emptied],
    ['grown by a byte', grown],
  ])('%s', async (_, damage) => {
    await expectNamed(damage, (file) => !file.startsWith('index/'));
    await expectNamed(damage, (file) => file.startsWith('index/'));
  });

  /* A snapshot or an index that is gone leaves no trace of itself, but what the snapshots need is then in no index. */
  test('gone', async () => {
    await expectNamed(
      (path) => rmSync(path),
      (file) => !file.startsWith('index/') && !file.startsWith('snapshots/'),
    );
    const path = sample.copy('no-index');
    rmSync(join(path, 'index'), { recursive: true });
    const { errors } = await check(path, 'all');
    expect(errors.filter(({ reason }) => reason.includes('no index names it, and it is needed by snapshot'))).toHaveLength(2);
  });

  async function expectNamed(damage: (path: string) => void, concerns: (file: string) => boolean): Promise<void> {
    const path = sample.copy('damaged');
    try {
      const repository = await openSample(path);
      const files = filesOf(path).filter(concerns);
      for (const file of files) damage(join(path, file));
      const { errors } = await checkRepository(repository, { readData: 'all' }, quietContext());
      const named = new Set(errors.map(({ object }) => object));
      for (const file of files) expect(named).toContain(objectOf(file));
    } finally {
      rmSync(path, { recursive: true });
    }
  }
});

function objectOf(file: string): string {
  const kind = { keys: 'key', index: 'index', snapshots: 'snapshot', data: 'pack' }[file.split('/')[0] ?? ''];
  return kind === undefined ? file : `${kind} ${basename(file)}`;
}

test('without reading data, damage inside a pack of files is not seen, but its absence and its size are', async () => {
  const path = sample.copy('structure');
  const dataPacks = packsByType(sample, path).data;
  const [first = '', second = ''] = dataPacks;
  flipBit(join(path, first), 50);
  expect((await check(path, 'none')).errors).toEqual([]);
  expect((await check(path, 'all')).errors.map(({ object }) => object)).toContain(`pack ${basename(first)}`);
  rmSync(join(path, second));
  expect((await check(path, 'none')).errors).toContainEqual({
    object: `pack ${basename(second)}`,
    reason: expect.stringContaining('missing') as string,
  });
});

test('a pack that no index names is worth a notice, as for restic', async () => {
  const path = sample.copy('leftover');
  const id = 'ab'.repeat(32);
  const folder = globSync('data/ab', { cwd: path });
  expect(folder).toEqual(['data/ab']);
  writeFileSync(join(path, 'data/ab', id), 'left by a run that died');
  const report = await check(path, 'all');
  expect(report.errors).toEqual([]);
  expect(report.notices).toEqual([{ object: `pack ${id}`, reason: expect.stringContaining('no index names it') as string }]);
});

test('parts read every pack once, a share at least one', async () => {
  const whole = await check(sample.path, 'none');
  expect(whole.packsRead).toBe(0);
  let read = 0;
  for (let part = 1; part <= 3; part++) read += (await check(sample.path, { part, of: 3 })).packsRead;
  expect(read).toBe(whole.packs);
  expect((await check(sample.path, { percent: 1 })).packsRead).toBe(1);
  await expect(check(sample.path, { percent: 0 })).rejects.toSatisfy((error) => isError(error, 'usage'));
  await expect(check(sample.path, { part: 4, of: 3 })).rejects.toSatisfy((error) => isError(error, 'usage'));
});

function filesOf(path: string): string[] {
  return globSync(['config', 'keys/*', 'index/*', 'snapshots/*', 'data/*/*'], { cwd: path }).filter((file) =>
    statSync(join(path, file)).isFile(),
  );
}

function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

function packsByType({ judge }: SampleRepository, path: string): { data: string[]; tree: string[] } {
  const packs: { data: string[]; tree: string[] } = { data: [], tree: [] };
  for (const index of globSync('index/*', { cwd: path })) {
    const json = JSON.parse(judge(path, 'cat', 'index', basename(index))) as {
      packs: { id: string; blobs: { type: 'data' | 'tree' }[] }[];
    };
    for (const { id, blobs } of json.packs) packs[blobs[0]?.type ?? 'data'].push(`data/${id.slice(0, 2)}/${id}`);
  }
  return packs;
}

function bindTo(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}
