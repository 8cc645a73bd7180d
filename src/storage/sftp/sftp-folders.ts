import { posix } from 'node:path';
import { FolderSync } from '../local/folder-sync.ts';
import { answered, sftpStatus, type SftpConnection } from './sftp-connection.ts';
import { makeFolder, statPath, syncFolder, type MissingExtensions } from './sftp-files.ts';

/** The folders below the root of a repository on a server: made on demand, durable where the server can make them so. */
export class SftpFolders {
  readonly #root: string;
  readonly #missing: MissingExtensions;
  readonly #syncs: FolderSync;

  /** @param assist runs a call on any connection, without waiting for a turn: syncs are shared by operations that have theirs */
  constructor(root: string, missing: MissingExtensions, assist: (work: (connection: SftpConnection) => Promise<void>) => Promise<void>) {
    this.#root = root;
    this.#missing = missing;
    this.#syncs = new FolderSync((folder) => assist((connection) => syncFolder(connection, missing, folder)));
  }

  /** Makes the root, with whatever is missing above it. */
  async makeRoot(connection: SftpConnection): Promise<void> {
    await this.#makeWithParents(connection, this.#root);
  }

  /**
   * Runs `work`, which puts a name into `folder`, again where that was missing and has been made. Never makes the root: a disk that is not mounted
   * must not be taken for an empty one.
   */
  async within<Result>(connection: SftpConnection, folder: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!answered(error, sftpStatus.noSuchFile) || folder === this.#root) throw error;
    }
    let path = this.#root;
    for (const name of folder.slice(this.#root.length).split('/').filter(Boolean)) {
      const parent = path;
      path = posix.join(parent, name);
      await makeIfMissing(connection, path);
      await this.sync(parent);
    }
    return work();
  }

  /** Resolves once everything done in the folder before this call is durable, where the server can tell. */
  async sync(folder: string): Promise<void> {
    if (!this.#missing.has('fsync') && !this.#missing.has('folder-sync')) await this.#syncs.sync(folder);
  }

  async #makeWithParents(connection: SftpConnection, folder: string): Promise<void> {
    const there = await statPath(connection, folder);
    if (there?.isDirectory() === true) return;
    if (there !== undefined) throw new Error(`${folder} is not a folder`);
    const parent = posix.dirname(folder);
    if (parent !== folder && parent !== '.') await this.#makeWithParents(connection, parent);
    await makeIfMissing(connection, folder);
    await this.sync(parent);
  }
}

async function makeIfMissing(connection: SftpConnection, folder: string): Promise<void> {
  try {
    await makeFolder(connection, folder);
  } catch (error) {
    // A taken name is a mere "failure" to most servers.
    if (!answered(error, sftpStatus.failure, sftpStatus.permissionDenied)) throw error;
    if ((await statPath(connection, folder))?.isDirectory() !== true) throw error;
  }
}
