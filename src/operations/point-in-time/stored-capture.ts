/** Keeps a capture of streams in files, so that it can be restored without a repository in between. */
import { createReadStream } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import type { Capture, CapturedTree } from '../../sources/source.ts';

/** Reads a capture to its end. Throws what it throws. */
export async function storeCapture(capture: Capture, folder: string): Promise<CapturedTree> {
  if (capture.shape !== 'streams') throw new HoldfastError('internal', { reason: 'a dump is a capture of streams' });
  const files = new Map<string, { readonly path: string; readonly size: number; readonly modified: Date }>();
  for await (const entry of capture.entries) {
    const path = join(folder, String(files.size), 'content');
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of entry.open()) await file.write(chunk);
    } finally {
      await file.close();
    }
    files.set(entry.path, { path, size: (await stat(path)).size, modified: entry.modified });
  }
  const below = (root: string) => [...files].filter(([path]) => root === '/' || path === root || path.startsWith(`${root}/`));
  return {
    list: async function* list(root = '/') {
      for (const [path, { size }] of below(root)) yield { path, size };
    },
    entries: async function* entries(root = '/') {
      for (const [path, { size, modified }] of below(root))
        yield { path, type: 'file', mode: 0o600, size, modified, owner: { uid: 0, gid: 0 } };
    },
    read: async function* read(path) {
      const found = files.get(path);
      if (found === undefined) throw new HoldfastError('path-missing', { path, point: 'dump' });
      yield* createReadStream(found.path, { highWaterMark: 256 * 1024 });
    },
  };
}
