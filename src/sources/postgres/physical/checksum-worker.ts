/** The thread that reads files for file-checker.ts. */
import { closeSync, constants, fstatSync, fsync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { parentPort } from 'node:worker_threads';
import { reasonOf } from '../../../errors.ts';
import { fsPath } from '../../../util/path-bytes.ts';
import { startChecksum } from './checksum.ts';
import type { CheckAnswer, CheckedFile, FileToCheck } from './file-checker.ts';

const sync = promisify(fsync);
const piece = Buffer.allocUnsafeSlow(1024 * 1024);

parentPort?.on('message', (files: readonly FileToCheck[]) => {
  void checkAll(files).then((answer) => parentPort?.postMessage(answer));
});

/** All are made durable at once: a file system writes its journal once for many that wait, and else once for each. */
function checkAll(files: readonly FileToCheck[]): Promise<CheckAnswer> {
  const checked = files.map(async (file) => {
    try {
      return await check(file);
    } catch (error) {
      return { failure: reasonOf(error) };
    }
  });
  return Promise.all(checked);
}

async function check({ path, algorithm }: FileToCheck): Promise<CheckedFile> {
  // A repository that somebody tampered with may have a pipe or a link where a file should be.
  const file = openSync(fsPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error('it is no regular file');
    const checksum = algorithm === 'NONE' ? '' : checksumOf(file, algorithm);
    await sync(file);
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
