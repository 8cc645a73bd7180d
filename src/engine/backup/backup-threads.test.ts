/** Runs over trees that do not end well: interrupted, or on a disk that is full. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SmallDisk } from '../../../test/harness/disks/small-disk.ts';
import { HoldfastError } from '../../errors.ts';
import { createLocalStorage } from '../../storage/local/local-storage.ts';
import { openRepository } from '../repository.ts';
import { backUpTree, filesBelow, makeBench, type BackupBench } from './testing/backup-bench.ts';

let bench: BackupBench;
beforeAll(async () => {
  bench = await makeBench();
});
afterAll(() => bench[Symbol.dispose]());

const strays = (path: string): string[] => filesBelow(path).filter((name) => !/^(config|data|index|keys|snapshots|locks)/.test(name));

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof HoldfastError ? error.code : error),
  );
}

describe('interrupted', () => {
  test('while files are stored: staging is empty, what is stored is indexed, the next run goes on', async () => {
    const tree = bench.at('tree');
    mkdirSync(tree);
    for (let at = 0; at < 24; at++) writeFileSync(`${tree}/${at}`, randomBytes(5_000_000));
    const repository = await bench.open();
    const controller = new AbortController();
    const told = (): void => {
      if (filesBelow(bench.path, 'data').length > 2) controller.abort();
    };
    const timer = setInterval(told, 5);
    const code = await codeOf(backUpTree(repository, [tree], {}, { signal: controller.signal }));
    clearInterval(timer);
    expect(code).toBe('interrupted');
    expect(strays(bench.path)).toEqual([]);
    expect(await repository.listFiles('snapshot')).toEqual([]);
    expect((await repository.listFiles('index')).length).toBe(1);
    bench.restic.run(['check', '--read-data']);
    const { summary } = await backUpTree(repository, [tree]);
    expect(summary.filesNew).toBe(24);
    expect(summary.dataAdded).toBeLessThan(120_000_000 - 20_000_000);
    bench.restic.run(['check']);
  });

  test('while nothing but unchanged files is walked', async () => {
    const tree = bench.at('unchanged');
    mkdirSync(tree);
    for (let at = 0; at < 3000; at++) writeFileSync(`${tree}/${at}`, `${at}`);
    const repository = await bench.open();
    await backUpTree(repository, [tree]);
    const controller = new AbortController();
    const told = (event: { type: string }): void => {
      if (event.type === 'phase') controller.abort();
    };
    const { length } = await repository.listFiles('snapshot');
    expect(await codeOf(backUpTree(repository, [tree], {}, { signal: controller.signal, told }))).toBe('interrupted');
    expect((await repository.listFiles('snapshot')).length).toBe(length);
    expect((await backUpTree(repository, [tree])).summary.filesUnmodified).toBe(3000);
  });
});

describe.runIf(process.getuid?.() === 0)('on a disk that is full', () => {
  test('said once; sound, nothing lies about, and with room the next run finishes', async () => {
    using disk = new SmallDisk(bench.at('disk'), 50);
    const path = `${disk.folder}/repo`;
    cpSync(bench.path, path, { recursive: true, filter: (source) => !/\/(data|index|snapshots)\/./.test(source) });
    const tree = bench.at('too-large');
    mkdirSync(tree);
    for (let at = 0; at < 24; at++) writeFileSync(`${tree}/${at}`, randomBytes(5_000_000));
    const repository = await openRepository(createLocalStorage(path), { password: 'x' });
    const failures: unknown[] = [];
    const catching = (error: unknown): void => void failures.push(error);
    process.on('unhandledRejection', catching);
    try {
      expect(await codeOf(backUpTree(repository, [tree]))).toBe('storage-full');
    } finally {
      process.off('unhandledRejection', catching);
    }
    expect(failures).toEqual([]);
    expect(strays(path)).toEqual([]);
    expect((await repository.listFiles('pack')).length).toBeGreaterThan(0);
    // The staged files made room for the index, so that what is stored is not stored again.
    expect((await repository.listFiles('index')).length).toBe(1);
    bench.restic.run(['-r', path, 'check', '--read-data', '--no-lock']);
    disk.grow(300);
    const { summary } = await backUpTree(repository, [tree]);
    expect(summary.filesNew).toBe(24);
    expect(summary.dataAdded).toBeLessThan(24 * 5_000_000);
    bench.restic.run(['-r', path, 'check', '--read-data']);
  });
});
