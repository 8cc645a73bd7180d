import { extract } from 'tar-stream';
import { Readable } from 'node:stream';
import { decodePath } from '../../util/path-bytes.ts';
import { refuseImport } from './import-failure.ts';
import { safeName, type Member } from './member.ts';

const types = { 'file': 'file', 'contiguous-file': 'file', 'directory': 'folder', 'symlink': 'link', 'link': 'hardlink' } as const;

/** The entries of a tar, each to be read before the next is asked for. Devices and pipes are left out. Throws for one that is cut. */
export async function* readTar(archive: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Member, void, undefined> {
  const end = { marked: false };
  // Names are bytes; each stands for a character here, and is made the right text below.
  const options: object = { filenameEncoding: 'latin1' };
  const entries = extract(options);
  const source = Readable.from(watchEnd(bytes, end), { objectMode: false });
  let failure: Error | undefined;
  source.on('error', (error) => {
    failure ??= error;
    entries.destroy(error);
  });
  source.pipe(entries);
  try {
    for await (const entry of entries) {
      const { name, type, mode, mtime, uid, gid, uname, gname, size, linkname, pax } = entry.header;
      const has = (key: string): boolean => typeof pax === 'object' && pax !== null && key in pax;
      const text = (value: string, key: string): string => (has(key) ? value : decodePath(Buffer.from(value, 'latin1')));
      const safe = safeName(archive, text(name, 'path'));
      const known = (types as Readonly<Record<string, Member['type']>>)[type];
      if (safe === undefined || known === undefined) {
        entry.resume();
        continue;
      }
      const link =
        known === 'link' ? text(linkname, 'linkpath') : known === 'hardlink' ? safeName(archive, text(linkname, 'linkpath')) : undefined;
      yield {
        name: safe,
        type: known,
        mode: mode & 0o7777,
        modified: mtime,
        owner: { uid, gid, ...(uname === '' ? {} : { user: uname }), ...(gname === '' ? {} : { group: gname }) },
        size: known === 'file' ? size : 0,
        ...(link === undefined ? {} : { linkTarget: link }),
        open: () => entry as AsyncIterable<Uint8Array>,
      };
      entry.resume();
    }
  } catch (error) {
    throw failure ?? error;
  } finally {
    source.destroy();
  }
  if (failure !== undefined) throw failure;
  if (!end.marked) refuseImport(archive, 'it is cut short: the end of the tar is missing');
}

/** A tar ends with two blocks of zeros; one that was cut between two entries looks whole to its readers. */
async function* watchEnd(bytes: AsyncIterable<Uint8Array>, end: { marked: boolean }): AsyncGenerator<Uint8Array, void, undefined> {
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    tail = Buffer.concat([tail, chunk.subarray(Math.max(0, chunk.length - 1024))]).subarray(-1024);
    yield chunk;
  }
  end.marked = tail.length === 1024 && tail.every((byte) => byte === 0);
}
