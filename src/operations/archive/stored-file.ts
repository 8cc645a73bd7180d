import { HoldfastError } from '../../errors.ts';
import type { CapturedTree } from '../../sources/source.ts';
import type { StreamContent } from './archive-item.ts';

/** A file of a snapshot as it is. Throws `path-missing`. */
export async function storedFile(tree: CapturedTree, path: string): Promise<StreamContent> {
  for await (const entry of tree.entries(path))
    if (entry.path === path && entry.type === 'file')
      return { shape: 'stream', size: entry.size, modified: entry.modified, open: () => tree.read(path) };
  throw new HoldfastError('path-missing', { path, point: 'latest' });
}

/** Bytes that are known already. */
export function heldBytes(text: string | Uint8Array, modified: Date): StreamContent {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  return {
    shape: 'stream',
    size: bytes.length,
    modified,
    open: async function* open() {
      yield bytes;
    },
  };
}
