import { open, readFile, rm, stat } from 'node:fs/promises';
import { toStorageError } from './file-error.ts';

/** A file given to `putFile`, for storages that do not rename it: read, then removed once its content is stored. */
export interface SourceFile {
  readonly path: string;
  readonly key: string;
  readonly location: string;
}

/** Bytes of the file. Throws a storage error as `putFile` must. */
export function measureSourceFile(file: SourceFile): Promise<number> {
  return attempt(file, async () => (await stat(file.path)).size);
}

/** The content of the file. */
export function readSourceFile(file: SourceFile): Promise<Uint8Array> {
  return attempt(file, () => readFile(file.path));
}

/** Removes the file after its content is stored. */
export function removeSourceFile(file: SourceFile): Promise<void> {
  return attempt(file, () => rm(file.path, { force: true }));
}

/** Calls `take` with the file's content piece by piece until it returns false. Returns whether all was taken. */
export function readSourcePieces(
  file: SourceFile,
  pieceSize: number,
  take: (piece: Uint8Array, offset: number) => Promise<boolean>,
): Promise<boolean> {
  return attempt(file, async () => {
    const handle = await open(file.path, 'r');
    try {
      const piece = new Uint8Array(pieceSize);
      for (let offset = 0; ;) {
        const { bytesRead } = await handle.read(piece, 0, pieceSize, offset);
        if (bytesRead === 0) return true;
        if (!(await take(piece.subarray(0, bytesRead), offset))) return false;
        offset += bytesRead;
      }
    } finally {
      await handle.close();
    }
  });
}

async function attempt<T>(file: SourceFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStorageError(error, { action: 'write', key: file.key, location: file.location });
  }
}
