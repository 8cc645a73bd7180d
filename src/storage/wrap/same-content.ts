import { isError } from '../../errors.ts';
import { measureSourceFile, readSourcePieces, type SourceFile } from '../source-file.ts';
import type { Storage } from '../storage.ts';

const pieceSize = 4 * 1024 * 1024;

/** True when the object is there and holds exactly these bytes. */
export async function hasContent(storage: Storage, key: string, data: Uint8Array, signal?: AbortSignal): Promise<boolean> {
  return whileThere(async () => {
    if ((await storage.stat(key))?.size !== data.length) return false;
    return Buffer.compare(await storage.get(key, undefined, signal), data) === 0;
  });
}

/** True when the object is there and holds exactly the bytes of the file. Neither is held in memory as a whole. */
export async function hasContentOf(storage: Storage, source: SourceFile, signal?: AbortSignal): Promise<boolean> {
  return whileThere(async () => {
    if ((await storage.stat(source.key))?.size !== (await measureSourceFile(source))) return false;
    return readSourcePieces(source, pieceSize, async (piece, offset) => {
      const stored = await storage.get(source.key, { offset, length: piece.length }, signal);
      return Buffer.compare(stored, piece) === 0;
    });
  });
}

/** An object that is removed while it is compared is not the same. */
async function whileThere(compare: () => Promise<boolean>): Promise<boolean> {
  try {
    return await compare();
  } catch (error) {
    if (isError(error, 'storage-missing')) return false;
    throw error;
  }
}
