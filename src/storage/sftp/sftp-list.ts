import { constants } from 'node:fs';
import { posix } from 'node:path';
import type { FileEntry } from 'ssh2';
import { throwIfInterrupted } from '../interruption.ts';
import { isKey } from '../object-key.ts';
import type { ObjectInfo } from '../storage.ts';
import { answered, sftpStatus, type SftpConnection } from './sftp-connection.ts';
import { closeFile, openFolder, readFolder, statPath } from './sftp-files.ts';

/* Folders under way at once: `data/` has 256. */
const foldersAtOnce = 8;
/* Folders may be links to other disks, as deep as `data/0f`; deeper ones could be a loop. */
const deepestLink = 2;
const deepestFolder = 16;

export interface Listing {
  readonly root: string;
  readonly signal?: AbortSignal;
  /** Told of what a run that died may have left, with the seconds since 1970 when it was last written. */
  readonly onDraft: (path: string, modified: number) => void;
  isDraft(name: string): boolean;
}

/**
 * The objects below a folder: regular files with a name that can be a key. Everything else is passed over, also what vanishes while it is looked at.
 * @param prefix the key of the folder with `/`, or empty for the root
 */
export async function* listFolders(
  use: <Result>(work: (connection: SftpConnection) => Promise<Result>) => Promise<Result>,
  prefix: string,
  listing: Listing,
): AsyncGenerator<ObjectInfo> {
  const waiting = [prefix];
  while (waiting.length > 0) {
    throwIfInterrupted(listing.signal);
    const folders = waiting.splice(-foldersAtOnce);
    const found = await Promise.all(folders.map((folder) => use((connection) => readEntries(connection, folder, listing))));
    for (const { objects, below } of found) {
      yield* objects;
      waiting.push(...below);
    }
  }
}

interface FolderContent {
  readonly objects: ObjectInfo[];
  /** Folders, as prefixes. */
  readonly below: string[];
}

async function readEntries(connection: SftpConnection, prefix: string, listing: Listing): Promise<FolderContent> {
  const content: FolderContent = { objects: [], below: [] };
  const path = posix.join(listing.root, prefix);
  let handle: Buffer;
  try {
    handle = await openFolder(connection, path);
  } catch (error) {
    if (answered(error, sftpStatus.noSuchFile) || (answered(error, sftpStatus.failure) && (await isNoFolder(connection, path))))
      return content;
    throw error;
  }
  try {
    for (let entries = await readFolder(connection, handle); entries !== undefined; entries = await readFolder(connection, handle)) {
      throwIfInterrupted(listing.signal);
      for (const entry of entries) await take(connection, prefix, entry, { listing, content });
    }
  } finally {
    await closeFile(connection, handle).catch(() => {});
  }
  return content;
}

async function take(
  connection: SftpConnection,
  prefix: string,
  { filename, attrs }: FileEntry,
  { listing, content }: { readonly listing: Listing; readonly content: FolderContent },
): Promise<void> {
  const key = prefix + filename;
  const path = posix.join(listing.root, key);
  const depth = key.split('/').length;
  // The name comes from the server: only what may be a key gets on.
  if (isKey(key)) {
    switch (attrs.mode & constants.S_IFMT) {
      case constants.S_IFREG:
        content.objects.push({ key, size: attrs.size });
        break;
      case constants.S_IFDIR:
        if (depth < deepestFolder) content.below.push(`${key}/`);
        break;
      case constants.S_IFLNK: {
        const target = await statPath(connection, path);
        if (target?.isFile() === true) content.objects.push({ key, size: target.size });
        else if (target?.isDirectory() === true && depth <= deepestLink) content.below.push(`${key}/`);
        break;
      }
      default:
    }
  } else if (listing.isDraft(filename)) listing.onDraft(path, attrs.mtime);
}

async function isNoFolder(connection: SftpConnection, path: string): Promise<boolean> {
  const there = await statPath(connection, path);
  return there === undefined || !there.isDirectory();
}
