/** Writes a base backup as it comes to disk, as plain files, for tests that start it or compare it. */
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BaseBackup } from '../../../src/sources/postgres/replication/base-backup.ts';

export interface WrittenBase {
  readonly files: number;
  readonly bytes: number;
}

/** `tablespaces` says where each is to lie, by its object id; the links of the data directory lead there. */
export async function writeBase(backup: BaseBackup, folder: string, tablespaces: (oid: string) => string): Promise<WrittenBase> {
  let files = 0;
  let bytes = 0;
  for await (const entry of backup.entries) {
    const path = join(entry.tablespace === undefined ? folder : tablespaces(entry.tablespace), entry.path);
    await mkdir(dirname(path), { recursive: true });
    if (entry.type === 'folder') await mkdir(path, { recursive: true, mode: 0o700 });
    else if (entry.type === 'link') await symlink(tablespaces(entry.path.replace('pg_tblspc/', '')), path);
    else {
      const output = createWriteStream(path, { mode: entry.mode });
      await pipeline(entry.content, output);
      if (entry.size !== -1 && output.bytesWritten !== entry.size) throw new Error(`${entry.path} is ${output.bytesWritten} bytes long`);
      files += 1;
      bytes += output.bytesWritten;
    }
    if (entry.type !== 'link') await chmod(path, entry.mode | (entry.type === 'folder' ? 0o700 : 0));
  }
  return { files, bytes };
}
