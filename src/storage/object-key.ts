import { HoldfastError } from '../errors.ts';

const keyForm = /^[a-z0-9][a-zA-Z0-9._-]*(\/[a-zA-Z0-9][a-zA-Z0-9._-]*)*$/;
/* Longer keys would not fit every file system or cloud; ours are below 100 characters. */
const longestKey = 512;
const longestName = 255;

/** True for a string that may be the key of an object. */
export function isKey(key: string): boolean {
  return key.length <= longestKey && keyForm.test(key) && key.split('/').every((name) => name.length <= longestName);
}

/**
 * Refuses what may not be the key of an object. Every driver calls this before it touches anything, so that no key can leave the repository.
 * @throws `storage-key`
 */
export function assertKey(key: string, location: string): void {
  if (!isKey(key)) throw new HoldfastError('storage-key', { key, location });
}

/**
 * Refuses what may not be listed: a prefix is empty, or a key followed by `/`.
 * @throws `storage-key`
 */
export function assertPrefix(prefix: string, location: string): void {
  if (prefix !== '' && !(prefix.endsWith('/') && isKey(prefix.slice(0, -1))))
    throw new HoldfastError('storage-key', { key: prefix, location });
}
