/** Proof that every program did the same work: what was restored is counted, and on the first round compared byte by byte. */
import { closeSync, lstatSync, openSync, readSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

export interface Contents {
  readonly files: number;
  readonly bytes: number;
}

const windowBytes = 1 << 20;
const one = Buffer.alloc(windowBytes);
const two = Buffer.alloc(windowBytes);

/** Regular files below the folder, and the sum of their sizes. */
export function countContents(folder: string): Contents {
  let files = 0;
  let bytes = 0;
  for (const path of filesBelow(folder)) {
    files += 1;
    bytes += lstatSync(join(folder, path)).size;
  }
  return { files, bytes };
}

/** Reads every file once, so that the system has it in memory before anything is timed. */
export function readAll(folder: string): void {
  for (const path of filesBelow(folder)) {
    const file = openSync(join(folder, path), 'r');
    try {
      while (readSync(file, one) > 0);
    } finally {
      closeSync(file);
    }
  }
}

/** Throws unless the restored folder has as many files and bytes as the original. */
export function requireSameAmount(original: Contents, restored: string): void {
  const found = countContents(restored);
  if (found.files !== original.files || found.bytes !== original.bytes) {
    throw new Error(
      `Cannot compare: ${found.files} files of ${found.bytes} bytes were restored where there are ${original.files} of ${original.bytes}.`,
    );
  }
}

/** Throws unless every file has the same bytes, mode and modification time (to the second) on both sides. */
export function requireSameContent(original: string, restored: string): void {
  for (const path of filesBelow(original)) {
    const left = lstatSync(join(original, path));
    const right = lstatSync(join(restored, path), { throwIfNoEntry: false });
    if (right === undefined) throw new Error(`Cannot compare: ${path} was not restored.`);
    const differs =
      left.size !== right.size
        ? 'size'
        : left.mode !== right.mode
          ? 'mode'
          : seconds(left.mtimeMs) !== seconds(right.mtimeMs)
            ? 'modification time'
            : undefined;
    if (differs !== undefined) throw new Error(`Cannot compare: the ${differs} of ${path} was restored differently.`);
    if (!sameBytes(join(original, path), join(restored, path)))
      throw new Error(`Cannot compare: the content of ${path} was restored differently.`);
  }
}

function* filesBelow(root: string, folder = ''): Generator<string> {
  const entries: Dirent[] = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(root, path);
    else if (entry.isFile()) yield path;
    else throw new Error(`Cannot count ${path}: the data sets have only files and folders.`);
  }
}

function sameBytes(left: string, right: string): boolean {
  const first = openSync(left, 'r');
  const second = openSync(right, 'r');
  try {
    for (;;) {
      const read = readSync(first, one);
      if (readSync(second, two) !== read || !one.subarray(0, read).equals(two.subarray(0, read))) return false;
      if (read === 0) return true;
    }
  } finally {
    closeSync(first);
    closeSync(second);
  }
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
