import { hash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HoldfastError, isError } from '../../errors.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { checkRepository } from '../check/check-repository.ts';
import { openSample, quietContext } from '../check/testing/sample-repository.ts';
import { mostBlobsAnIndex } from '../index/index-file.ts';
import { IndexWriter } from '../index/index-writer.ts';
import { initRepository, Repository } from '../repository.ts';
import { quickRestic, type QuickRestic } from '../tree/testing/quick-restic.ts';
import { PackBuilder } from './pack-builder.ts';
import type { PackedBlob } from './pack-header.ts';

let restic: QuickRestic;
let repository: Repository;
let memory: Repository;
beforeAll(async () => {
  restic = await quickRestic();
  repository = await openSample(join(restic.folder, 'repo'));
  memory = await initRepository(createMemoryStorage(), { password: 'x', polynomial: repository.config.polynomial });
});
afterAll(() => restic[Symbol.dispose]());

async function addRandom(to: Repository, builder: PackBuilder, count: number, size: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const content = randomBytes(size);
    await builder.addSealed({ id: hash('sha256', content), type: 'data', uncompressedLength: 0 }, to.sealer.seal(content));
  }
}

test.each(['folder', 'memory'])('packs are closed at 16 MiB and are whole, in a %s', async (kind) => {
  const to = kind === 'folder' ? repository : memory;
  const writer = new IndexWriter(to);
  const builder = new PackBuilder(to, writer, { readBack: true });
  await addRandom(to, builder, 40, 2 ** 20);
  await builder.finish();
  await writer.finish();
  expect(builder.packs).toBe(3);
  expect(await checkRepository(to, { readData: 'all' }, quietContext())).toMatchObject({
    errors: [],
    notices: [],
    packs: 3,
    packsRead: 3,
    blobs: 40,
  });
  if (kind === 'folder') {
    expect(restic.run(['check', '--read-data']).toString()).toContain('no errors were found');
    expect(readdirSync(join(restic.folder, 'repo', '.holdfast-staging'))).toEqual([]);
  }
});

test('a pack that cannot be stored fails the builder, and no index names it', async () => {
  const refuse = () => Promise.reject(new HoldfastError('storage-full', { location: 'here' }));
  const storage = new Proxy(memory.storage, { get: (target, name) => (name === 'putFile' ? refuse : own(target, name)) });
  const to = new Repository(storage, memory.config, memory.masterKey, memory.keyId, memory.clock);
  const writer = new IndexWriter(to);
  const builder = new PackBuilder(to, writer);
  await addRandom(memory, builder, 1, 1000);
  await expect(builder.finish()).rejects.toSatisfy((error) => isError(error, 'storage-full'));
  await expect(addRandom(memory, builder, 1, 1000)).rejects.toSatisfy((error) => isError(error, 'storage-full'));
  await builder.discard();
  await writer.finish();
  expect(writer.written).toEqual([]);
});

test('index files end at the most blobs one may have, and name every pack once', async () => {
  const to = await initRepository(createMemoryStorage(), { password: 'x', polynomial: repository.config.polynomial });
  const writer = new IndexWriter(to);
  const packs = [0.4, 0.4, 0.4, 2.4, 0.1]
    .map((share) => share * mostBlobsAnIndex)
    .map((count) => ({
      id: randomBytes(32).toString('hex'),
      blobs: Array.from({ length: count }, blobAt),
    }));
  await Promise.all(packs.map((pack) => writer.add(pack)));
  expect(writer.written).toHaveLength(3);
  await writer.finish();
  await writer.finish();
  expect(writer.written).toHaveLength(4);
  const index = await to.loadIndex();
  expect(index.size).toBe(3.7 * mostBlobsAnIndex);
  expect(index.packs.toSorted()).toEqual(packs.map(({ id }) => id).toSorted());
});

function blobAt(_: unknown, at: number): PackedBlob {
  return { id: randomBytes(32).toString('hex'), type: 'data', offset: at * 100, length: 100, uncompressedLength: 0 };
}

function own(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}
