/** What is no file, folder or link: a sparse file (which is one, with holes), a FIFO, a socket, devices. */
import { closeSync, constants, ftruncateSync, linkSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { joinBytes } from './byte-paths.ts';
import type { TreeInProgress } from './make-tree.ts';
import { runOnPaths } from './run-on-paths.ts';
import { noiseBytes } from './seeded-bytes.ts';

const sparseBytes = 8 << 20;

/** Makes `special/`. */
export async function makeSpecialFiles({ folder, seed, root, attempt }: TreeInProgress): Promise<void> {
  const parent = `${folder}/special`;
  mkdirSync(parent);
  attempt('sparse file', () => makeSparseFile(`${parent}/sparse`, seed));
  attempt('FIFO', () => void runOnPaths(['mkfifo', '-m', '640'], [joinBytes(parent, 'fifo')]));
  const socketFailure = await makeSocket(parent, 'socket');
  if (socketFailure !== undefined)
    attempt('socket', () => {
      throw socketFailure;
    });
  if (!root) return;
  const devices = { 'character-device': 'c 1 3', 'block-device': 'b 7 200', 'large-numbers': 'c 4000 1000000' };
  for (const [name, numbers] of Object.entries(devices)) {
    attempt(name, () => void runOnPaths(['sh', '-c', `mknod -m 600 "$0" ${numbers}`], [joinBytes(parent, name)]));
  }
}

/** Data at the start, across the middle and near the end; the rest are holes, the last one up to the end. */
function makeSparseFile(path: string, seed: string): void {
  const file = openSync(path, 'w');
  try {
    ftruncateSync(file, sparseBytes);
    for (const position of [0, sparseBytes / 2 - 5000, sparseBytes - 700_000]) {
      writeSync(file, noiseBytes(`${seed} sparse ${position}`, 10_000), 0, 10_000, position);
    }
  } finally {
    closeSync(file);
  }
}

/**
 * A server's socket goes when the server closes: a second name for it stays. The folder is reached through its descriptor, because
 * the path of a socket may not be longer than 107 bytes.
 */
async function makeSocket(folder: string, name: string): Promise<Error | undefined> {
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const server = createServer();
    const path = `/proc/self/fd/${descriptor}/${name}.listening`;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    linkSync(`${folder}/${name}.listening`, `${folder}/${name}`);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    closeSync(descriptor);
  }
}
