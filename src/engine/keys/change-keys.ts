/** Adding, removing and replacing passwords. The master key never changes: whoever once had a password may have kept it. */
import { hash } from 'node:crypto';
import { HoldfastError } from '../../errors.ts';
import { createKeyFile, openKeyFile } from '../crypto/key-file.ts';
import { findFile } from '../find-file.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { listKeys, readKeyFile } from './list-keys.ts';

/** Who a key is for. Default: the user and the host that run this. */
export interface KeyLabel {
  readonly username?: string;
  readonly hostname?: string;
}

/** Adds a key for a password and opens it once to prove that it does. Returns its id. Throws `password-missing` for an empty password. */
export async function addKey(repository: Repository, password: string, label: KeyLabel = {}): Promise<string> {
  if (password === '') throw new HoldfastError('password-missing', { location: repository.location });
  const file = await createKeyFile(repository.masterKey, password, repository.clock.now(), label);
  const id = hash('sha256', file);
  await repository.storage.put(keyOf('key', id), file);
  const master = await openKeyFile(await readKeyFile(repository, id), password);
  if (master !== undefined && Buffer.compare(master.encrypt, repository.masterKey.encrypt) === 0) return id;
  await repository.removeFile('key', id);
  throw repository.damaged(keyOf('key', id), 'the new key does not open');
}

/**
 * Removes a key, named by the beginning of its id; returns the id. Throws `object-missing`, and `key-needed` for the key in use and
 * for the last one.
 */
export async function removeKey(repository: Repository, name: string): Promise<string> {
  const id = await findFile(repository, 'key', name);
  if (id === repository.keyId)
    throw new HoldfastError('key-needed', { id: id.slice(0, 8), reason: 'it is the one this run opened the repository with' });
  const { keys } = await listKeys(repository);
  if (!keys.some((key) => key.id !== id))
    throw new HoldfastError('key-needed', {
      id: id.slice(0, 8),
      reason: 'it is the last one, and without it nobody could open the repository',
    });
  await repository.removeFile('key', id);
  return id;
}

/** Replaces the password in use: the new key is stored and proved before the old one goes. Returns the new key's id. */
export async function changePassword(repository: Repository, password: string, label: KeyLabel = {}): Promise<string> {
  const id = await addKey(repository, password, label);
  await repository.removeFile('key', repository.keyId);
  return id;
}
