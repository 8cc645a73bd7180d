import { hash } from 'node:crypto';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import { parseKeyFile, type KeyFile } from '../crypto/key-file.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';

/** A key: one password that opens the repository. */
export interface KeyDescription {
  readonly id: string;
  /** The one that opened this repository in this run. */
  readonly current: boolean;
  /** RFC 3339. */
  readonly created: string;
  readonly username: string;
  readonly hostname: string;
}

export interface ListedKeys {
  readonly keys: readonly KeyDescription[];
  /** Key files that cannot be read, and so open nothing. */
  readonly problems: readonly { readonly id: string; readonly reason: string }[];
}

/** Every key, oldest first. */
export async function listKeys(repository: Repository): Promise<ListedKeys> {
  const keys: KeyDescription[] = [];
  const problems: { id: string; reason: string }[] = [];
  for (const { id } of await repository.listFiles('key')) {
    try {
      const { created, username, hostname } = await readKeyFile(repository, id);
      keys.push({ id, current: id === repository.keyId, created, username, hostname });
    } catch (error) {
      if (isError(error, 'storage-missing')) continue;
      if (!isError(error, 'damaged')) throw error;
      problems.push({ id, reason: String(error.details['reason'] ?? reasonOf(error)) });
    }
  }
  return { keys: keys.sort((a, b) => (a.created === b.created ? 0 : a.created < b.created ? -1 : 1)), problems };
}

/** A key file, compared with its name. Throws `damaged`, `storage-missing`. */
export async function readKeyFile(repository: Repository, id: string): Promise<KeyFile> {
  const key = keyOf('key', id);
  const bytes = await repository.storage.get(key);
  if (hash('sha256', bytes) !== id) throw repository.damaged(key, 'its content is not what its name says');
  try {
    return parseKeyFile(bytes);
  } catch (error) {
    throw error instanceof HoldfastError ? error : repository.damaged(key, reasonOf(error), error);
  }
}
