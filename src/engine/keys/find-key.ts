import { hash } from 'node:crypto';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { openKeyFile, parseKeyFile } from '../crypto/key-file.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { BufferSealer } from '../crypto/sealer.ts';
import { configKey, folderOf, idOf } from '../layout.ts';

export interface OpenedKey {
  readonly master: MasterKey;
  readonly keyId: string;
  readonly json: Uint8Array;
}

/**
 * The key that this password opens, and the config that it opens in turn: whoever lost a race to create the repository may have left a key that does not.
 * Throws `password-wrong`, `damaged`.
 */
export async function findKey(storage: Storage, password: string, sealedConfig: Uint8Array): Promise<OpenedKey> {
  const problems: HoldfastError[] = [];
  const damaged = (object: string, reason: string, cause?: unknown): number =>
    problems.push(new HoldfastError('damaged', { object: `${object} in ${storage.location}`, reason }, cause));
  for await (const { key } of storage.list(folderOf('key'))) {
    const keyId = idOf(key);
    if (keyId === undefined) continue;
    const bytes = await storage.get(key).catch((error: unknown) => {
      if (!isError(error, 'storage-missing')) throw error; // removed meanwhile
    });
    if (bytes === undefined) continue;
    try {
      if (hash('sha256', bytes) !== keyId) throw new Error('its content is not what its name says');
      const master = await openKeyFile(parseKeyFile(bytes), password);
      if (master === undefined) continue;
      const json = new BufferSealer(master).open(sealedConfig);
      if (json) return { master, keyId, json };
      damaged(configKey, 'its seal does not fit');
    } catch (error) {
      damaged(key, reasonOf(error), error); // another key may still open
    }
  }
  throw problems[0] ?? new HoldfastError('password-wrong', { location: storage.location });
}
