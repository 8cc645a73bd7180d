/** Opens a file that was restored from a repository: a link, a pipe or a device there would lead elsewhere, or never end. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../../../errors.ts';
import { fsPath } from '../../../util/path-bytes.ts';

/** For reading, or for writing anew with `O_WRONLY | O_TRUNC`. Throws `damaged` where there is no regular file. */
export async function openRegularFile(path: string, name: string, flags: number = constants.O_RDONLY): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(fsPath(path), flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw new HoldfastError('damaged', { object: name, reason: reasonOf(error) }, error);
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new HoldfastError('damaged', { object: name, reason: 'it is no regular file' });
}
