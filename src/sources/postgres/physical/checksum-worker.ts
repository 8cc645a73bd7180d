/** The thread that reads files for file-checker.ts. */
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { reasonOf } from '../../../errors.ts';
import { fsPath } from '../../../util/path-bytes.ts';
import { startChecksum } from './checksum.ts';
import type { CheckAnswer, CheckedFile, FileToCheck } from './file-checker.ts';

const piece = Buffer.allocUnsafeSlow(1024 * 1024);

parentPort?.on('message', (files: readonly FileToCheck[]) => {
  const answer: CheckAnswer = files.map((file) => {
    try {
      return check(file);
    } catch (error) {
      return { failure: reasonOf(error) };
    }
  });
  parentPort?.postMessage(answer);
});

function check({ path, algorithm }: FileToCheck): CheckedFile {
  // A repository that somebody tampered with may have a pipe or a link where a file should be.
  const file = openSync(fsPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error('it is no regular file');
    const checksum = algorithm === 'NONE' ? '' : checksumOf(file, algorithm);
    fsyncSync(file);
    return { size: stat.size, checksum };
  } finally {
    closeSync(file);
  }
}

function checksumOf(file: number, algorithm: FileToCheck['algorithm']): string {
  const checksum = startChecksum(algorithm);
  for (const bytes of pieces(file)) checksum.update(bytes);
  return checksum.digest();
}

function* pieces(file: number): Generator<Buffer, void, undefined> {
  for (;;) {
    const read = readSync(file, piece, 0, piece.length, null);
    if (read === 0) return;
    yield piece.subarray(0, read);
  }
}
