import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FolderSync } from './folder-sync.ts';

it('shares the fsync that has not begun, and no other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-sync-'));
  try {
    const syncs = new FolderSync();
    const first = syncs.sync(folder);
    const second = syncs.sync(folder);
    const third = syncs.sync(folder);
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    await first;
    const fourth = syncs.sync(folder);
    expect(fourth).not.toBe(second);
    await Promise.all([second, fourth]);
    expect(syncs.sync(folder)).not.toBe(fourth);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('fails each call that it failed for, and recovers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-sync-'));
  await rm(folder, { recursive: true });
  const syncs = new FolderSync();
  const results = await Promise.allSettled([syncs.sync(folder), syncs.sync(folder), syncs.sync(folder)]);
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
  await expect(syncs.sync(tmpdir())).resolves.toBeUndefined();
});
