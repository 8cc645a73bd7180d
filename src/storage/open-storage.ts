import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { Storage } from './storage.ts';

const notYet = new Set(['s3', 'gs', 'azure', 'b2', 'sftp', 'rest', 'swift', 'rclone', 'http', 'https']);
/* At least two letters: `C:\backups` is a path. */
const schemeForm = /^([a-z][a-z0-9+.-]+):(.*)$/is;

/**
 * The storage behind a repository's address. Nothing is touched yet.
 * @param url a path (a relative one is resolved now, `~` is not expanded), `file:///PATH`, or `local:PATH`
 * @throws `storage-url` for anything else
 */
export async function openStorage(url: string): Promise<Storage> {
  const path = parseFolder(url);
  const { createLocalStorage } = await import('./local/local-storage.ts');
  return createLocalStorage(path);
}

function parseFolder(url: string): string {
  if (url.trim() === '') throw refusal(url, 'it is empty');
  if (url.includes('\0')) throw refusal(url, 'it holds a zero byte');
  const [, scheme, rest] = schemeForm.exec(url) ?? [];
  if (scheme === undefined || rest === undefined) return resolve(url);
  switch (scheme.toLowerCase()) {
    case 'local':
      if (rest === '') throw refusal(url, 'it names no folder');
      return resolve(rest);
    case 'file':
      return parseFileUrl(url, rest);
    default:
  }
  if (notYet.has(scheme.toLowerCase()))
    throw refusal(url, `this version keeps repositories in folders only, not on ${scheme.toLowerCase()}`);
  throw refusal(
    url,
    `"${scheme}:" is no kind of address known here; this version keeps repositories in folders only (a folder of that name is ./${scheme}:…)`,
  );
}

function parseFileUrl(url: string, rest: string): string {
  if (!rest.startsWith('//')) throw refusal(url, 'a file address begins with file:///');
  try {
    return fileURLToPath(new URL(url));
  } catch (error) {
    throw refusal(url, `it is no file address of this machine (${reasonOf(error)})`);
  }
}

function refusal(url: string, reason: string): HoldfastError {
  return new HoldfastError('storage-url', { url: withoutSecrets(url), reason });
}

/** Addresses may carry a user with a password, or keys as parameters: neither belongs in a message. */
function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//***@').replace(/\?.*$/s, '?***');
}
