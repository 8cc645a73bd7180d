import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createLocalStorage } from '../storage/local/local-storage.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { keyOf } from './layout.ts';
import { listIds } from './list-ids.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-ids-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ids = ['cc', 'aa', 'bb'].map((byte) => byte.repeat(32));

test.each([
  ['local', () => createLocalStorage(join(folder, 'plain'))],
  ['memory', () => createMemoryStorage()],
])('%s storage: the ids, sorted, and nothing else', async (_, make) => {
  const storage = make();
  await storage.create();
  expect(await listIds(storage, 'snapshot')).toEqual([]);
  for (const id of ids) await storage.put(keyOf('snapshot', id), Buffer.of(1));
  await storage.put('snapshots/README', Buffer.of(1));
  await storage.put(keyOf('index', 'dd'.repeat(32)), Buffer.of(1));
  expect(await listIds(storage, 'snapshot')).toEqual(ids.toSorted());
});

test('a folder or a broken link with such a name is none', async () => {
  const path = join(folder, 'odd');
  mkdirSync(join(path, 'snapshots', 'ee'.repeat(32)), { recursive: true });
  symlinkSync(join(path, 'nothing'), join(path, 'snapshots', 'ff'.repeat(32)));
  for (const id of ids) writeFileSync(join(path, 'snapshots', id), '');
  expect(await listIds(createLocalStorage(path), 'snapshot')).toEqual(ids.toSorted());
});
