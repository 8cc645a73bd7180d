/** One value that changes when any of the files does: what "on change" is decided by. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { captureName, findConfigFiles, listFiles } from './find-config-files.ts';

export interface FingerprintRequest {
  readonly folder: string;
  readonly files: readonly string[];
}

/**
 * SHA-256 (64 hex digits) over names, permissions and contents of the files, not over times and owners: the same files have the same one on
 * another machine too. A missing file counts as missing. Throws `source-unreadable`.
 */
export async function fingerprintConfig({ folder, files }: FingerprintRequest): Promise<string> {
  const { roots, missing } = await findConfigFiles(folder, files);
  const hash = createHash('sha256');
  const add = (...parts: readonly string[]): void => void hash.update(`${JSON.stringify(parts)}\n`);
  for (const path of await listFiles(roots)) {
    try {
      const { mode } = await stat(path);
      const content = createHash('sha256');
      for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) content.update(chunk);
      add(captureName(folder, path), (mode & 0o7777).toString(8), content.digest('hex'));
    } catch (error) {
      throw new HoldfastError('source-unreadable', { path, reason: reasonOf(error) }, error);
    }
  }
  for (const { path } of missing) add(captureName(folder, path), 'missing');
  return hash.digest('hex');
}
