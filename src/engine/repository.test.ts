import { randomBytes } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import { createLocalStorage } from '../storage/local/local-storage.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { makeSampleRepository, type SampleRepository } from './check/testing/sample-repository.ts';
import { findNode } from './browse/list-nodes.ts';
import { readNode } from './browse/read-node.ts';
import { BufferSealer } from './crypto/sealer.ts';
import { configKey, keyOf, type FileType } from './layout.ts';
import { initRepository, openRepository, type Repository } from './repository.ts';
import { loadSnapshots } from './snapshots/load-snapshots.ts';

const password = 'x';
let sample: SampleRepository;
beforeAll(async () => {
  sample = await makeSampleRepository(1);
});
afterAll(() => sample[Symbol.dispose]());

const containing = (text: string): unknown => expect.stringContaining(text);
const sizeOfSomething: unknown = expect.any(Number);

let copies = 0;
/** A copy of the repository that restic made. */
function copy(): { path: string; storage: Storage } {
  const path = sample.copy(`copy-${++copies}`);
  return { path, storage: createLocalStorage(path) };
}

async function failure(work: Promise<unknown>): Promise<HoldfastError> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof HoldfastError)) throw error;
  return error;
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode> {
  return (await failure(work)).code;
}

/** Changes a bit in the middle of the only, or first, file of a folder. Returns its name. */
function damage(path: string, folder: string): string {
  const [name = ''] = folder === '' ? ['config'] : readdirSync(join(path, folder)).sort();
  const file = join(path, folder, name);
  const bytes = readFileSync(file);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 4;
  rmSync(file);
  writeFileSync(file, bytes);
  return name;
}

describe('opening', () => {
  test('with a wrong password', async () => {
    const { storage } = copy();
    for (const wrong of ['', 'X', 'x ', 'xx']) expect(await codeOf(openRepository(storage, { password: wrong }))).toBe('password-wrong');
  });

  test('where there is nothing', async () => {
    expect(await codeOf(openRepository(createMemoryStorage(), { password }))).toBe('repository-missing');
    expect(await codeOf(openRepository(createLocalStorage(join(sample.folder, 'nowhere')), { password }))).toBe('repository-missing');
  });

  test('a damaged config, key, index and snapshot are named', async () => {
    const config = copy();
    damage(config.path, '');
    expect(await failure(openRepository(config.storage, { password }))).toMatchObject({
      code: 'damaged',
      details: { object: containing('config') },
    });

    const key = copy();
    const keyId = damage(key.path, 'keys');
    const broken = await failure(openRepository(key.storage, { password }));
    expect([broken.code, broken.message.includes(`keys/${keyId}`)]).toEqual(['damaged', true]);

    const index = copy();
    const indexId = damage(index.path, 'index');
    const unindexed = await failure((await openRepository(index.storage, { password })).loadIndex());
    expect([unindexed.code, unindexed.message.includes(`index/${indexId}`)]).toEqual(['damaged', true]);

    const snapshot = copy();
    const snapshotId = damage(snapshot.path, 'snapshots');
    const unread = await failure(loadSnapshots(await openRepository(snapshot.storage, { password })));
    expect([unread.code, unread.message.includes(`snapshots/${snapshotId}`)]).toEqual(['damaged', true]);
  });

  test('a damaged pack: the blob is refused, or read from another copy', async () => {
    const { path, storage } = copy();
    const repository = await openRepository(storage, { password });
    const [snapshot] = await loadSnapshots(repository);
    const tree = snapshot?.snapshot.tree ?? '';
    const whole = await repository.readBlob('tree', tree);
    const index = await repository.loadIndex();
    const place = index.place(index.find(tree, 'tree'));
    const file = join(path, keyOf('pack', place.pack));
    const bytes = readFileSync(file);
    bytes[place.offset + 20] = (bytes[place.offset + 20] ?? 0) ^ 1;
    rmSync(file);
    writeFileSync(file, bytes);
    const refused = await failure(repository.readBlob('tree', tree));
    expect([refused.code, refused.message.includes(place.pack)]).toEqual(['damaged', true]);

    const sealed = repository.sealer.seal(whole);
    const other = 'ab'.repeat(32);
    await storage.put(keyOf('pack', other), sealed);
    index.add(new Uint32Array(Uint8Array.from(Buffer.from(tree, 'hex')).buffer), 'tree', index.packNumber(other), 0, sealed.length, 0);
    expect((await repository.readBlob('tree', tree)).equals(whole)).toBe(true);
    expect(await codeOf(repository.readBlob('data', tree))).toBe('blob-missing');
  });

  test('with another key damaged', async () => {
    const { path, storage } = copy();
    writeFileSync(join(path, 'keys', '00'.repeat(32)), '{"no": "key"}');
    writeFileSync(join(path, 'keys', 'README'), 'not a key at all');
    const { keyId } = await openRepository(storage, { password });
    expect(readdirSync(join(path, 'keys'))).toContain(keyId);
  });

  test('a storage that fails is not called damaged', async () => {
    const { storage } = copy();
    const failing: Storage = {
      ...passThrough(storage),
      get: (key) =>
        key.startsWith('keys/')
          ? Promise.reject(new HoldfastError('storage-denied', { action: 'read', key, location: storage.location }))
          : storage.get(key),
    };
    expect(await codeOf(openRepository(failing, { password }))).toBe('storage-denied');
  });
});

function passThrough(storage: Storage): Storage {
  return {
    location: storage.location,
    create: () => storage.create(),
    get: (key, range, signal) => storage.get(key, range, signal),
    put: (key, data, options) => storage.put(key, data, options),
    putFile: (key, path, options) => storage.putFile(key, path, options),
    stat: (key) => storage.stat(key),
    list: (prefix, signal) => storage.list(prefix, signal),
    remove: (key) => storage.remove(key),
    close: () => storage.close(),
  };
}

/** Seals another config with the repository's own key. */
async function replaceConfig(repository: Repository, json: string): Promise<void> {
  await repository.storage.put(configKey, new BufferSealer(repository.masterKey).seal(Buffer.from(json)));
}

describe('versions', () => {
  test('one made by restic opens, and its blobs are read', async () => {
    const path = join(sample.folder, 'version-1');
    sample.judge(path, 'init', '--repository-version', '1');
    const content = randomBytes(700_000);
    writeFileSync(join(sample.folder, 'file'), content);
    sample.judge(path, 'backup', '--host', 'web1', 'file');
    const repository = await openRepository(createLocalStorage(path), { password });
    expect(repository.config.version).toBe(1);
    const [snapshot] = await loadSnapshots(repository);
    if (snapshot === undefined) throw new Error('no snapshot');
    const node = await findNode(repository, snapshot, '/file');
    if (!('node' in node)) throw new Error('no file');
    const parts: Uint8Array[] = [];
    for await (const part of readNode(repository, node.node)) parts.push(part);
    expect(Buffer.concat(parts).equals(content)).toBe(true);
  });

  test('one made here opens in restic, without and with compression', async () => {
    for (const version of [1, 2] as const) {
      const path = join(sample.folder, `made-${version}`);
      const made = await initRepository(createLocalStorage(path), { password, version });
      await made.writeFile('index', Buffer.from('{"packs":[]}'));
      const config: unknown = JSON.parse(sample.judge(path, 'cat', 'config'));
      expect(config).toEqual({ version, id: made.config.id, chunker_polynomial: made.config.polynomial.toString(16) });
      sample.judge(path, 'check');
    }
  });

  test('three, and whatever a later one looks like, is unsupported', async () => {
    const { storage } = copy();
    const repository = await openRepository(storage, { password });
    const { id, polynomial } = repository.config;
    await replaceConfig(repository, JSON.stringify({ version: 3, id, chunker_polynomial: polynomial.toString(16) }));
    expect(await failure(openRepository(storage, { password }))).toMatchObject({ code: 'repository-unsupported', details: { version: 3 } });
    await replaceConfig(repository, JSON.stringify({ version: 4, chunker: { kind: 'gear' } }));
    expect(await failure(openRepository(storage, { password }))).toMatchObject({ code: 'repository-unsupported', details: { version: 4 } });
  });

  test('a config that makes no sense is damaged', async () => {
    const { storage } = copy();
    const repository = await openRepository(storage, { password });
    const { id, polynomial } = repository.config;
    const honest = { version: 2, id, chunker_polynomial: polynomial.toString(16) };
    const broken = [
      'nonsense',
      '[]',
      '{}',
      JSON.stringify({ ...honest, version: '2' }),
      JSON.stringify({ ...honest, id: 'short' }),
      JSON.stringify({ ...honest, chunker_polynomial: '' }),
      JSON.stringify({ ...honest, chunker_polynomial: (polynomial ^ 1n).toString(16) }),
      JSON.stringify({ ...honest, chunker_polynomial: '2' }), // irreducible, and of degree 1
      JSON.stringify({ ...honest, chunker_polynomial: 'f'.repeat(100) }),
    ];
    for (const json of broken) {
      await replaceConfig(repository, json);
      expect([json, await codeOf(openRepository(storage, { password }))]).toEqual([json, 'damaged']);
    }
  });
});

describe('creating', () => {
  test('where there is one already', async () => {
    const { storage } = copy();
    expect(await codeOf(initRepository(storage, { password }))).toBe('repository-exists');
  });

  test.each(['local', 'memory'])('two at once in one place (%s): one wins, and its repository opens', async (kind) => {
    const path = join(sample.folder, `race-${kind}`);
    const storage = kind === 'local' ? createLocalStorage(path) : createMemoryStorage();
    const results = await Promise.allSettled(Array.from({ length: 3 }, () => initRepository(storage, { password })));
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(won.length).toBe(1);
    expect(lost.map((error: unknown) => (error instanceof HoldfastError ? error.code : error))).toEqual([
      'repository-exists',
      'repository-exists',
    ]);
    const opened = await openRepository(storage, { password });
    expect(opened.config).toEqual(won[0]?.config);
    // The losers' keys open nothing, and restic would try them first half of the time.
    expect((await opened.listFiles('key')).map(({ id }) => id)).toEqual([opened.keyId]);
    if (kind === 'local') sample.judge(path, 'check');
  });

  test('a key that a loser left behind when it died does not get in the way', async () => {
    const [one, two] = [createMemoryStorage(), createMemoryStorage()];
    const first = await initRepository(one, { password });
    for (let round = 0; round < 2; round++) {
      const other = await initRepository(createMemoryStorage(), { password });
      await one.put(keyOf('key', other.keyId), await other.storage.get(keyOf('key', other.keyId)));
    }
    expect((await openRepository(one, { password })).keyId).toBe(first.keyId);
    expect(await codeOf(openRepository(two, { password }))).toBe('repository-missing');
  });
});

describe('files', () => {
  test('come back as they were written, in both versions', async () => {
    for (const version of [1, 2] as const) {
      const repository = await initRepository(createMemoryStorage(), { password, version });
      const types: FileType[] = ['index', 'snapshot', 'lock'];
      for (const [number, type] of types.entries()) {
        const json = Buffer.from(JSON.stringify({ number, text: 'text '.repeat(number * 1000) }));
        const id = await repository.writeFile(type, json);
        expect((await repository.readFile(type, id)).equals(json)).toBe(true);
        expect(await repository.listFiles(type)).toEqual([{ id, size: sizeOfSomething }]);
        await repository.removeFile(type, id);
        expect(await codeOf(repository.readFile(type, id))).toBe('storage-missing');
      }
    }
  });

  test('under another name, or sealed with another key, are damaged', async () => {
    const repository = await initRepository(createMemoryStorage(), { password });
    const id = await repository.writeFile('snapshot', Buffer.from('{}'));
    const other = 'cd'.repeat(32);
    const bytes = await repository.storage.get(keyOf('snapshot', id));
    await repository.storage.put(keyOf('snapshot', other), bytes);
    expect(await codeOf(repository.readFile('snapshot', other))).toBe('damaged');
    const stranger = await initRepository(createMemoryStorage(), { password });
    await stranger.storage.put(keyOf('snapshot', id), bytes);
    expect(await codeOf(stranger.readFile('snapshot', id))).toBe('damaged');
  });

  test('that expand beyond all measure, or not at all, are damaged', async () => {
    const repository = await initRepository(createMemoryStorage(), { password });
    const marked = (frame: Uint8Array): Buffer => repository.sealer.seal(Buffer.concat([Buffer.of(2), frame]));
    // 600 MiB of zeros as zstd's blocks of one repeated byte.
    const block = Buffer.from([0x02, 0x00, 0x10, 0x00]); // RLE, 128 KiB
    const last = Buffer.from([0x03, 0x00, 0x10, 0x00]);
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70]);
    const bomb = Buffer.concat([header, ...Array.from({ length: 4799 }, () => block), last]);
    for (const frame of [bomb, Buffer.from('not a frame'), Buffer.alloc(0)]) {
      const error = ((): unknown => {
        try {
          return repository.openFile('index/bomb', marked(frame));
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toMatchObject({ code: 'damaged', details: { object: containing('index/bomb') } });
    }
  });
});

test('the index is loaded once, anew when asked, and forgotten when told', async () => {
  const { path, storage } = copy();
  const repository = await openRepository(storage, { password });
  const index = await repository.loadIndex();
  expect(index.size).toBeGreaterThan(3);
  expect(await repository.loadIndex()).toBe(index);
  cpSync(join(path, 'index'), join(path, 'kept'), { recursive: true });
  for (const name of readdirSync(join(path, 'index'))) rmSync(join(path, 'index', name));
  expect((await repository.loadIndex()).size).toBe(index.size);
  expect((await repository.loadIndex({ reload: true })).size).toBe(0);
  cpSync(join(path, 'kept'), join(path, 'index'), { recursive: true });
  repository.dropIndex();
  expect((await repository.loadIndex()).size).toBe(index.size);
});
