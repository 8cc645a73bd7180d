import { globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isError } from '../../errors.ts';
import { checkRepository } from '../check/check-repository.ts';
import {
  initBeside,
  makeSampleRepository,
  openSample,
  quietContext,
  samplePassword,
  type SampleRepository,
} from '../check/testing/sample-repository.ts';
import { lockRepository } from '../lock/lock-repository.ts';
import { executePrune } from '../prune/execute-prune.ts';
import { forgetSnapshots } from '../prune/forget-snapshots.ts';
import { planPrune } from '../prune/plan-prune.ts';
import type { Repository } from '../repository.ts';
import { loadSnapshots } from '../snapshots/load-snapshots.ts';
import { copySnapshots } from './copy-snapshots.ts';

let sample: SampleRepository;
let source: Repository;
let ids: string[];
beforeAll(async () => {
  sample = await makeSampleRepository(3);
  source = await openSample(sample.path);
  ids = (await loadSnapshots(source)).map(({ id }) => id);
});
afterAll(() => sample[Symbol.dispose]());

function emptyRepository(name: string, version: 1 | 2 = 2): Promise<Repository> {
  return initBeside(sample, source, name, { version });
}

test.each([2, 1] as const)('every snapshot to a repository of version %d, which restic accepts and restores from', async (version) => {
  const to = await emptyRepository(`to-${version}`, version);
  const report = await copySnapshots(source, to, ids, quietContext());
  expect(report.copied.map(({ from }) => from)).toEqual(ids);
  expect(report.blobs).toBe(new Set(allBlobs(await source.loadIndex())).size);
  expect(sample.judge(to.location, 'check', '--read-data')).toContain('no errors were found');
  expect((await checkRepository(to, { readData: 'all' }, quietContext())).errors).toEqual([]);
  for (const { from, to: copy } of report.copied) expect(restored(to.location, copy)).toEqual(restored(sample.path, from));
  const index = await to.loadIndex();
  const compressed = Array.from({ length: index.size }, (_, entry) => index.uncompressedLengthOf(entry) > 0);
  expect(compressed.includes(true)).toBe(version === 2);

  const again = await copySnapshots(source, to, ids, quietContext());
  expect(again).toEqual({ copied: [], present: report.copied, blobs: 0, wholePacks: 0, bytes: 0 });
  // Back again: the source has them under their first ids.
  const back = await copySnapshots(
    to,
    source,
    report.copied.map(({ to: copy }) => copy),
    quietContext(),
  );
  expect(back.copied).toEqual([]);
  expect(back.present.map(({ to: first }) => first)).toEqual(ids);

  // Pruning works on either version.
  const [first = '', ...others] = report.copied.map(({ to: copy }) => copy);
  await forgetSnapshots(to, [first]);
  const lock = await lockRepository(to, { exclusive: true, timing: { settleMs: 0 } }, quietContext());
  const pruned = await executePrune(to, await planPrune(to, { maxUnused: 0 }, quietContext()), lock, quietContext());
  await lock.release();
  expect(pruned.movedBlobs).toBeGreaterThan(0);
  expect(pruned.freedBytes).toBeGreaterThan(1_000_000);
  expect(sample.judge(to.location, 'check', '--read-data')).toContain('no errors were found');
  expect(restored(to.location, others[0] ?? '')).toEqual(restored(sample.path, ids[1] ?? ''));
});

test('from version 1 to 2, where it is compressed', async () => {
  const old = await emptyRepository('old', 1);
  const [first = ''] = (await copySnapshots(source, old, ids.slice(0, 1), quietContext())).copied.map(({ to }) => to);
  const to = await emptyRepository('young');
  await copySnapshots(old, to, [first], quietContext());
  expect(sizeOf(to.location)).toBeLessThan(sizeOf(old.location));
  expect(sample.judge(to.location, 'check', '--read-data')).toContain('no errors were found');
  const [copied] = await loadSnapshots(to);
  expect(copied?.snapshot.original).toBe(ids[0]);
  expect(copied?.snapshot.tags).toEqual(['round-1', 'component:uploads']);
});

test('what restic has copied is not copied again, nor the other way round', async () => {
  const to = await emptyRepository('both');
  const password = join(sample.folder, 'password');
  writeFileSync(password, samplePassword);
  sample.judge(to.location, 'copy', '--from-repo', sample.path, '--from-password-file', password, ids[0] ?? '');
  const report = await copySnapshots(source, to, ids, quietContext());
  expect(report.present.map(({ from }) => from)).toEqual(ids.slice(0, 1));
  sample.judge(to.location, 'copy', '--from-repo', sample.path, '--from-password-file', password);
  expect(await loadSnapshots(to)).toHaveLength(3);
});

test('a copy that broke off is gone on with, and what is damaged is not copied', async () => {
  const path = sample.copy('broken');
  const to = await emptyRepository('resumed');
  const stop = new AbortController();
  const stopped = copySnapshots(await openSample(path), to, ids, {
    signal: stop.signal,
    events: (event) => event.type === 'progress' && event.bytesDone > 0 && stop.abort(),
  });
  await expect(stopped).rejects.toSatisfy((error) => isError(error, 'interrupted'));
  expect(await loadSnapshots(to)).toEqual([]);
  expect(sample.judge(to.location, 'check', '--read-data')).toContain('no errors were found');

  for (const pack of globSync('data/*/*', { cwd: path })) {
    const bytes = readFileSync(join(path, pack));
    if (bytes.length > 200_000) writeFileSync(join(path, pack), bytes.fill(0, 40, 200_000));
  }
  await expect(copySnapshots(await openSample(path), to, ids, quietContext())).rejects.toSatisfy((error) => isError(error, 'damaged'));
  expect(await loadSnapshots(to)).toEqual([]);
  expect((await copySnapshots(source, to, ids, quietContext())).copied).toHaveLength(3);
  expect(sample.judge(to.location, 'check', '--read-data')).toContain('no errors were found');
  rmSync(path, { recursive: true });
});

function allBlobs(index: Awaited<ReturnType<Repository['loadIndex']>>): string[] {
  return Array.from({ length: index.size }, (_, entry) => `${index.typeOf(entry)} ${index.idOf(entry)}`);
}

function restored(path: string, snapshot: string): Record<string, string> {
  const target = join(sample.folder, 'restored');
  rmSync(target, { recursive: true, force: true });
  sample.judge(path, '--no-lock', 'restore', snapshot, '--target', target);
  const files = globSync('**/*', { cwd: target }).filter((file) => statSync(join(target, file)).isFile());
  return Object.fromEntries(files.sort().map((file) => [basename(file), readFileSync(join(target, file), 'base64')]));
}

function sizeOf(folder: string): number {
  return globSync('data/*/*', { cwd: folder }).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}
