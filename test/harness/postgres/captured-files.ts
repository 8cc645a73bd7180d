/** A capture kept as plain files, for tests of sources without an engine: the bytes are real and come back through real reads. */
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, readlink, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { HoldfastEvent } from '../../../src/events.ts';
import { HoldfastError } from '../../../src/errors.ts';
import type { CaptureContext, CapturedTree, Source, StreamEntry } from '../../../src/sources/source.ts';

export interface CapturedFiles extends CapturedTree {
  readonly folder: string;
  readonly events: readonly HoldfastEvent[];
  remove(): Promise<void>;
}

/** Pulls a capture of streams to its end. What it throws is what the engine would get. */
export async function captureToFiles(source: Source, signal = new AbortController().signal): Promise<CapturedFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-captured-'));
  const events: HoldfastEvent[] = [];
  try {
    const capture = await source.capture({ events: (event) => events.push(event), signal });
    if (capture.shape !== 'streams') throw new TypeError('a capture of streams was expected');
    for await (const entry of capture.entries) {
      await writeEntry(join(folder, entry.path), entry);
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return { ...treeOf(folder), folder, events, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Modes are kept; owners and times are not. */
async function writeEntry(path: string, entry: StreamEntry): Promise<void> {
  const { type = 'file', linkTarget = '', mode = type === 'folder' ? 0o755 : 0o600 } = entry;
  await mkdir(dirname(path), { recursive: true });
  if (type === 'link') return symlink(linkTarget, path);
  if (type === 'folder') await mkdir(path, { recursive: true });
  else await pipeline(entry.open(), createWriteStream(path));
  await chmod(path, mode);
}

function treeOf(folder: string): CapturedTree {
  return {
    list: async function* list(path = '/') {
      const entries = await readdir(join(folder, path), { recursive: true, withFileTypes: true }).catch(() => []);
      for (const entry of entries.filter((found) => found.isFile())) {
        const full = join(entry.parentPath, entry.name);
        yield { path: full.slice(folder.length), size: (await stat(full)).size };
      }
    },
    entries: async function* entries(path = '/') {
      for (const entry of await readdir(join(folder, path), { recursive: true, withFileTypes: true })) {
        const full = join(entry.parentPath, entry.name);
        const { mode, size, mtime, uid, gid } = await lstat(full);
        const type = entry.isSymbolicLink() ? 'link' : entry.isDirectory() ? 'folder' : 'file';
        yield {
          path: full.slice(folder.length),
          type,
          mode: mode & 0o7777,
          size: type === 'file' ? size : 0,
          modified: mtime,
          owner: { uid, gid },
          ...(type === 'link' ? { linkTarget: await readlink(full) } : {}),
        };
      }
    },
    read: async function* read(path) {
      try {
        yield* createReadStream(join(folder, path)) as AsyncIterable<Uint8Array>;
      } catch (error) {
        throw new HoldfastError('path-missing', { path, point: 'captured' }, error);
      }
    },
  };
}

/** A context that collects its events. */
export function collectingContext(): CaptureContext & { readonly collected: HoldfastEvent[] } {
  const collected: HoldfastEvent[] = [];
  return { collected, events: (event) => collected.push(event), signal: new AbortController().signal };
}
