/** Files and folders of a server, as promises. Paths are the server's. */
import type { FileEntry, Stats } from 'ssh2';
import { answered, sftpStatus, type SftpConnection } from './sftp-connection.ts';

const fileMode = 0o600;
const folderMode = 0o700;

/** Extensions of OpenSSH that a server may lack. What it lacks is found out once. */
export type Extension = 'fsync' | 'folder-sync' | 'posix-rename' | 'hardlink';
export type MissingExtensions = Set<Extension>;

export function openFile(connection: SftpConnection, path: string, flags: 'r' | 'wx'): Promise<Buffer> {
  return connection.request((done) => connection.sftp.open(path, flags, flags === 'r' ? {} : { mode: fileMode }, done));
}

export function closeFile(connection: SftpConnection, handle: Buffer): Promise<void> {
  return connection.request((done) => connection.sftp.close(handle, done));
}

export function statOpen(connection: SftpConnection, handle: Buffer): Promise<Stats> {
  return connection.request((done) => connection.sftp.fstat(handle, done));
}

/** What a path leads to, links followed; undefined where there is nothing. */
export async function statPath(connection: SftpConnection, path: string): Promise<Stats | undefined> {
  try {
    return await connection.request<Stats>((done) => connection.sftp.stat(path, done));
  } catch (error) {
    if (answered(error, sftpStatus.noSuchFile)) return undefined;
    throw error;
  }
}

/** Makes the content of an open file durable, where the server knows how to. */
export async function syncFile(connection: SftpConnection, missing: MissingExtensions, handle: Buffer): Promise<void> {
  await withExtension(missing, 'fsync', () =>
    connection.request<unknown>((done) => connection.sftp.ext_openssh_fsync(handle, done), { patient: true }),
  );
}

/** Makes the names in a folder durable. Servers that open folders as files (OpenSSH) can do it. */
export async function syncFolder(connection: SftpConnection, missing: MissingExtensions, path: string): Promise<void> {
  if (missing.has('fsync') || missing.has('folder-sync')) return;
  let handle: Buffer;
  try {
    handle = await openFile(connection, path, 'r');
  } catch (error) {
    // It may have been removed; everything else means that folders cannot be opened so.
    if (!answered(error, sftpStatus.failure, sftpStatus.unsupported, sftpStatus.badMessage)) throw error;
    missing.add('folder-sync');
    return;
  }
  try {
    await connection.request<unknown>((done) => connection.sftp.ext_openssh_fsync(handle, done), { patient: true });
  } catch (error) {
    if (!isUnsupported(error) && !answered(error, sftpStatus.badMessage)) throw error;
    missing.add('folder-sync');
  } finally {
    await closeFile(connection, handle);
  }
}

export function makeFolder(connection: SftpConnection, path: string): Promise<void> {
  return connection.request((done) => connection.sftp.mkdir(path, { mode: folderMode }, done));
}

export function unlink(connection: SftpConnection, path: string): Promise<void> {
  return connection.request((done) => connection.sftp.unlink(path, done));
}

/** The rename of the protocol's third version, which refuses a taken name. */
export function renameToFree(connection: SftpConnection, from: string, to: string): Promise<void> {
  return connection.request((done) => connection.sftp.rename(from, to, done));
}

/** Renames in one step, whatever has the name now. Returns false where the server cannot. */
export function renameOver(connection: SftpConnection, missing: MissingExtensions, from: string, to: string): Promise<boolean> {
  return withExtension(missing, 'posix-rename', () => connection.request((done) => connection.sftp.ext_openssh_rename(from, to, done)));
}

/** A second name for a file, if that is free. Returns false where the server has no hard links. */
export function hardLink(connection: SftpConnection, missing: MissingExtensions, from: string, to: string): Promise<boolean> {
  return withExtension(missing, 'hardlink', () => connection.request((done) => connection.sftp.ext_openssh_hardlink(from, to, done)));
}

export function openFolder(connection: SftpConnection, path: string): Promise<Buffer> {
  return connection.request((done) => connection.sftp.opendir(path, done));
}

/** The next entries, in the server's portions; undefined after the last. */
export async function readFolder(connection: SftpConnection, handle: Buffer): Promise<FileEntry[] | undefined> {
  try {
    return await connection.request<FileEntry[]>((done) => connection.sftp.readdir(handle, done));
  } catch (error) {
    if (answered(error, sftpStatus.endOfFile)) return undefined;
    throw error;
  }
}

export interface FreeSpace {
  /** Bytes that somebody who is not root may still take. */
  readonly bytes: number;
  readonly isReadOnly: boolean;
}

/** What is left of the disk a path lies on; undefined where the server does not say. */
export async function readFreeSpace(connection: SftpConnection, path: string): Promise<FreeSpace | undefined> {
  const answer: unknown = await connection.request<unknown>((done) => connection.sftp.ext_openssh_statvfs(path, done)).catch(() => {});
  if (typeof answer !== 'object' || answer === null || !('f_frsize' in answer) || !('f_bavail' in answer)) return undefined;
  const [size, count, flags] = [answer.f_frsize, answer.f_bavail, 'f_flag' in answer ? answer.f_flag : 0];
  if (typeof size !== 'number' || typeof count !== 'number') return undefined;
  return { bytes: size * count, isReadOnly: typeof flags === 'number' && flags % 2 === 1 };
}

async function withExtension(missing: MissingExtensions, extension: Extension, call: () => Promise<unknown>): Promise<boolean> {
  if (missing.has(extension)) return false;
  try {
    await call();
    return true;
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    missing.add(extension);
    return false;
  }
}

function isUnsupported(error: unknown): boolean {
  return (
    answered(error, sftpStatus.unsupported) || (error instanceof Error && error.message.includes('does not support this extended request'))
  );
}
