/** Single files in and out of a container, through the tar streams the engine speaks. */
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { HoldfastError, isError } from '../../errors.ts';
import type { Container } from '../docker/docker-engine.ts';

export interface ArchivedFile {
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Pulled once, to its end. Throws when the tar ends before the file does. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A file inside a container, running or not; undefined where there is none. */
export async function readSingleFile(container: Container, path: string): Promise<ArchivedFile | undefined> {
  const entry = await firstEntry(container, path);
  if (entry === undefined) return undefined;
  if (entry.header.type !== 'file') {
    entry.leave();
    throw new HoldfastError('docker-path-missing', { path, container: container.name });
  }
  const { header, leave, stream } = entry;
  const bytes = async function* readEntry(): AsyncGenerator<Uint8Array, void, undefined> {
    let size = 0;
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        size += chunk.length;
        yield chunk;
      }
    } finally {
      leave();
    }
    if (size !== (header.size ?? 0)) throw new HoldfastError('damaged', { object: path, reason: 'the engine sent only a part of it' });
  };
  return { ...owner(header), size: header.size ?? 0, bytes: bytes() };
}

/** Who owns a file or folder inside a container, and its mode; undefined where there is none. */
export async function readOwner(container: Container, path: string): Promise<Omit<ArchivedFile, 'bytes' | 'size'> | undefined> {
  const entry = await firstEntry(container, path);
  entry?.leave();
  return entry === undefined ? undefined : owner(entry.header);
}

export interface FileToWrite {
  /** Relative to the folder: `dump.rdb`, `appendonlydir/…`. */
  readonly name: string;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** Absent for a folder. */
  readonly bytes?: AsyncIterable<Uint8Array>;
}

/**
 * Writes files into a folder of a container, in this order. Their bytes must not come from the same container: the engine reads and writes
 * a container's files one after the other, and each would wait for the other. Throws what reading them throws, and what the engine does. */
export async function writeFiles(container: Container, folder: string, files: readonly FileToWrite[]): Promise<void> {
  const tar = pack();
  let failure: unknown;
  const filling = (async () => {
    for (const { name, bytes, ...attributes } of files) {
      if (bytes === undefined) {
        await new Promise<void>((resolve, reject) => {
          tar.entry({ ...attributes, name, size: 0, type: 'directory' }, (error) => (error ? reject(error) : resolve()));
        });
      } else await pipeline(Readable.from(bytes, { objectMode: false }), tar.entry({ ...attributes, name }));
    }
    tar.finalize();
  })().catch((error: unknown) => {
    failure = error;
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    await container.writeArchive(folder, tar as AsyncIterable<Uint8Array>);
  } catch (error) {
    tar.destroy();
    throw failure ?? error;
  } finally {
    await filling;
  }
  if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the archive could not be written');
}

type TarEntry = ReturnType<typeof extract> extends AsyncIterable<infer Entry> ? Entry : never;
type TarHeader = TarEntry['header'];

async function firstEntry(
  container: Container,
  path: string,
): Promise<{ header: TarHeader; stream: TarEntry; leave: () => void } | undefined> {
  let tar: AsyncIterable<Uint8Array>;
  try {
    tar = await container.readArchive(path);
  } catch (error) {
    if (isError(error, 'docker-path-missing')) return undefined;
    throw error;
  }
  const source = Readable.from(tar, { objectMode: false });
  const extracting = extract();
  const leave = (): void => {
    source.destroy();
    extracting.destroy();
  };
  const entries = extracting[Symbol.asyncIterator]();
  source.on('error', (error) => extracting.destroy(error));
  extracting.on('error', () => source.destroy());
  source.pipe(extracting);
  const first: IteratorResult<TarEntry, unknown> = await entries.next();
  if (first.done === true) throw new HoldfastError('damaged', { object: posix.basename(path), reason: 'the engine sent an empty archive' });
  first.value.on('error', () => {});
  return { header: first.value.header, stream: first.value, leave };
}

function owner(header: TarHeader): { uid: number; gid: number; mode: number; modified: number } {
  const modified = Math.trunc((header.mtime?.getTime() ?? 0) / 1000);
  return { uid: header.uid ?? 0, gid: header.gid ?? 0, mode: (header.mode ?? 0o600) & 0o777, modified };
}
