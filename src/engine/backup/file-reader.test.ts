import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomPolynomial } from '../chunk/polynomial.ts';
import { createKernelMemory, loadKernels } from '../kernels/kernels.ts';
import { ContentChunker } from './content-chunker.ts';
import { readFileContent, type ReadResult } from './file-reader.ts';
import { entryStatsOf } from '../platform/entry-stats.ts';
import { createSharedState, memorySize } from './shared-state.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-reader-'));
let chunker: ContentChunker;
beforeAll(() => {
  // Nothing is published here: no worker is needed.
  const shared = createSharedState(createKernelMemory(memorySize(1)));
  chunker = new ContentChunker(shared, 1, loadKernels(shared.memory), randomPolynomial(), () => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const containing = (text: string): unknown => expect.stringContaining(text);

/** Reads what is at a path now as the file that was there before. */
function readAfter(path: string, size: number, change: () => void): ReadResult {
  writeFileSync(path, Buffer.alloc(size));
  const stats = entryStatsOf(lstatSync(path, { bigint: true }));
  rmSync(path);
  change();
  return readFileContent(
    path,
    stats,
    chunker,
    { expect: () => {}, add: () => {} },
    () => {},
    () => {},
  );
}

test.each([10, 0, 2_000_000])('a FIFO in the place of a file of %i bytes is no content, and nothing to wait for', (size) => {
  const path = join(folder, `fifo-${size}`);
  expect(readAfter(path, size, () => void execFileSync('mkfifo', [path]))).toEqual({
    size: 0,
    stored: false,
    problem: containing('no file any more'),
  });
});

test('a link in the place of a file is not followed, a folder not read, and nothing is nothing', () => {
  const link = join(folder, 'link');
  expect(readAfter(link, 10, () => symlinkSync('/etc/passwd', link))).toMatchObject({
    stored: false,
    problem: containing('ELOOP'),
  });
  const directory = join(folder, 'directory');
  expect(readAfter(directory, 10, () => void execFileSync('mkdir', [directory]))).toMatchObject({
    stored: false,
    problem: containing('EISDIR'),
  });
  expect(readAfter(join(folder, 'gone'), 10, () => {})).toMatchObject({ stored: false, problem: containing('ENOENT') });
});

test('a file that became empty is stored as it is, and reported', () => {
  const path = join(folder, 'emptied');
  expect(readAfter(path, 10, () => writeFileSync(path, ''))).toEqual({ size: 0, stored: true, problem: 'it changed while it was read' });
});
