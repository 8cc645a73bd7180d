import { createWriteStream } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseContents, type ArchiveEntry } from '../../sources/postgres/archive/archive-toc.ts';
import { isDumpFile } from './dump-sources.ts';
import { readContents } from './find-candidates.ts';
import type { Member } from './member.ts';

export interface UnpackedDump {
  readonly path: string;
  readonly files: readonly string[];
  readonly remove: () => Promise<void>;
}

/** The files of a dump in a folder of its own: those of pg_dump, and no others. */
export async function unpackDump(read: () => AsyncIterable<Member>, folder: string): Promise<UnpackedDump> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-import-'));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  try {
    const files: string[] = [];
    for await (const { name, type, open } of read()) {
      const file = name.slice(folder.length);
      if (type !== 'file' || !name.startsWith(folder) || !isDumpFile(file) || files.includes(file)) continue;
      files.push(file);
      await pipeline(open(), createWriteStream(join(path, file), { mode: 0o600 }));
    }
    return { path, files: [...files, ...(await nameLargeObjects(path, files))], remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * The table of contents of a dump in tar format calls the list of large objects otherwise than the file is called; some versions of pg_restore look for the one,
 * and some for the other. What is no table of contents is told by whoever examines it.
 */
async function nameLargeObjects(path: string, files: readonly string[]): Promise<string[]> {
  const list = files.find((name) => /^blobs(_\d+)?\.toc$/.test(name));
  if (list === undefined || !files.includes('toc.dat')) return [];
  const entries = readEntries(await readContents(path));
  const wanted = entries.flatMap(({ kind, file }) =>
    kind === 'BLOBS' && file !== undefined && isDumpFile(file) && !files.includes(file) ? [file] : [],
  );
  for (const name of wanted) await copyFile(join(path, list), join(path, name));
  return wanted;
}

function readEntries(contents: Buffer): readonly ArchiveEntry[] {
  try {
    return parseContents(contents);
  } catch {
    return [];
  }
}

export async function withUnpacked<Result>(
  read: () => AsyncIterable<Member>,
  folder: string,
  work: (path: string, files: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const unpacked = await unpackDump(read, folder);
  try {
    return await work(unpacked.path, unpacked.files);
  } finally {
    await unpacked.remove();
  }
}
