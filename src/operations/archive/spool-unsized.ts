/** Streams as entries of a tar, whose header has to say how long a file is. */
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamEntry } from '../../sources/source.ts';
import type { TarEntry } from './tar-stream.ts';

/** Those below `folder`, relative to it. A file whose size is not known beforehand waits in the folder for temporary files: one at a time. */
export async function* spoolUnsized(entries: AsyncIterable<StreamEntry>, folder: string): AsyncGenerator<TarEntry, void, undefined> {
  let scratch: string | undefined;
  try {
    for await (const entry of entries) {
      if (entry.path !== folder && !entry.path.startsWith(`${folder}/`)) continue;
      const name = entry.path === folder ? '.' : entry.path.slice(folder.length + 1);
      if ((entry.type ?? 'file') !== 'file' || entry.size !== undefined) {
        yield entryOf(entry, name, entry.size ?? 0, () => entry.open());
        continue;
      }
      scratch ??= await mkdtemp(join(tmpdir(), 'holdfast-archive-'));
      const path = join(scratch, 'file');
      yield entryOf(entry, name, await spool(entry, path), () => createReadStream(path));
    }
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

const modes = { file: 0o600, folder: 0o755, link: 0o777 } as const;
const types = { file: 'file', folder: 'dir', link: 'symlink' } as const;

function entryOf(
  { type = 'file', mode = modes[type], modified, owner, linkTarget }: StreamEntry,
  name: string,
  size: number,
  open: () => AsyncIterable<Uint8Array>,
): TarEntry {
  const { uid = 0, gid = 0, user, group } = owner ?? {};
  return {
    name,
    type: types[type],
    mode,
    mtime: BigInt(modified.getTime()) * 1_000_000n,
    uid,
    gid,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    size: type === 'file' ? size : 0,
    ...(linkTarget === undefined ? {} : { linkName: linkTarget }),
    ...(type === 'file' ? { open } : {}),
  };
}

async function spool(entry: StreamEntry, path: string): Promise<number> {
  const file = await open(path, 'w', 0o600);
  try {
    let size = 0;
    for await (const chunk of entry.open()) {
      await file.writeFile(chunk);
      size += chunk.length;
    }
    return size;
  } finally {
    await file.close();
  }
}
