import { HoldfastError } from '../../errors.ts';
import { findFile } from '../find-file.ts';
import { readKeyFile } from '../keys/list-keys.ts';
import { keyOf } from '../layout.ts';
import { readPackHeader } from '../pack/read-pack-header.ts';
import type { BlobType } from '../pack/pack-header.ts';
import type { Repository } from '../repository.ts';
import { encodeConfig } from '../repository-config.ts';

export const objectTypes = ['config', 'key', 'snapshot', 'index', 'pack', 'tree', 'blob', 'lock'] as const;

export type ObjectType = (typeof objectTypes)[number];

/**
 * One object of a repository as bytes to be printed: JSON for all but a blob, which comes as it is. A key comes without what it seals, a pack
 * as the list of blobs in its header. `id` may be the beginning of one (not for the config).
 *
 * @throws HoldfastError `object-missing`, `damaged`
 */
export async function catObject(
  repository: Repository,
  { type, id = '' }: { readonly type: ObjectType; readonly id?: string },
): Promise<Uint8Array> {
  switch (type) {
    case 'config':
      return encodeConfig(repository.config);
    case 'key': {
      const { created, username, hostname, derivation } = await readKeyFile(repository, await findFile(repository, 'key', id));
      const { N, r, p } = derivation;
      return toJson({ created, username, hostname, kdf: 'scrypt', N, r, p });
    }
    case 'snapshot':
    case 'index':
    case 'lock':
      return repository.readFile(type, await findFile(repository, type, id));
    case 'pack': {
      const pack = await findFile(repository, 'pack', id);
      const size = (await repository.storage.stat(keyOf('pack', pack)))?.size ?? 0;
      return toJson({ id: pack, size, blobs: await readPackHeader(repository, pack, size) });
    }
    case 'tree':
      return repository.readBlob('tree', await findBlob(repository, id, ['tree']));
    case 'blob': {
      const full = await findBlob(repository, id, ['data', 'tree']);
      return repository.readBlob((await repository.loadIndex()).has(full, 'data') ? 'data' : 'tree', full);
    }
    default:
      throw new HoldfastError('object-missing', {
        object: String(type satisfies never),
        location: repository.location,
        reason: `there is no such kind of object`,
      });
  }
}

async function findBlob(repository: Repository, prefix: string, types: readonly BlobType[]): Promise<string> {
  const index = await repository.loadIndex();
  const missing = (reason: string): HoldfastError =>
    new HoldfastError('object-missing', { object: `blob ${prefix.slice(0, 64)}`, location: repository.location, reason });
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) throw missing('that is not the beginning of an id');
  const found = new Set<string>();
  if (prefix.length === 64) {
    if (types.some((type) => index.has(prefix, type))) found.add(prefix);
  } else {
    for (let entry = 0; entry < index.size; entry++) {
      if (!types.includes(index.typeOf(entry))) continue;
      const id = index.idOf(entry);
      if (id.startsWith(prefix)) found.add(id);
    }
  }
  const [first] = found;
  if (first === undefined) throw missing('no index names it');
  if (found.size > 1) throw missing(`${found.size} ids begin so`);
  return first;
}

function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value, undefined, 2));
}
