import type { BlobIndex } from '../index/blob-index.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import type { LocalPacks } from './restore-messages.ts';

/** Where the packs of a repository lie on this machine, for threads to share. Undefined where they are no files of this machine, or do not lie under their keys in one folder. */
export function locateLocalPacks(repository: Repository, index: BlobIndex): LocalPacks | undefined {
  const { local } = repository.storage;
  const [first] = index.packs;
  if (local === undefined || first === undefined) return undefined;
  const key = keyOf('pack', first);
  const path = local.path(key);
  if (!path.endsWith(`/${key}`)) return undefined;
  const ids = new SharedArrayBuffer(index.packs.length * 32);
  const bytes = Buffer.from(ids);
  for (const [number, id] of index.packs.entries()) bytes.write(id, number * 32, 'hex');
  return { prefix: path.slice(0, -key.length), ids };
}
